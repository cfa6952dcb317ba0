// Asks relayd-gate to open gates for somebody who has knocked. One line each, and what it answers
// is told once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/control/gates.h"
#include "daemon/control/client_connection.h"

namespace relay {

class GateLine {
public:
    // `on_fault`: what went wrong, in words.
    using OnFault = std::function<void(const std::string& text)>;

    // Null, and told, if there is nobody to ask. `on_end` must not destroy the line.
    static std::unique_ptr<GateLine> ask(Loop& loop, const std::string& socket,
                                         const std::vector<OpenGate>& requests, OnFault on_fault,
                                         std::function<void()> on_end);
    GateLine(const GateLine&) = delete;
    GateLine& operator=(const GateLine&) = delete;

    bool has_ended() const { return has_ended_; }

private:
    GateLine(Loop& loop, UniqueFd socket, std::size_t answers, OnFault on_fault,
             std::function<void()> on_end);
    void line_came(const std::string& line);
    void end();

    std::size_t answers_;  // That are still to come.
    OnFault on_fault_;
    std::function<void()> on_end_;
    bool has_greeted_ = false;
    bool has_ended_ = false;
    UvTimer patience_;
    ClientConnection connection_;
};

}  // namespace relay
