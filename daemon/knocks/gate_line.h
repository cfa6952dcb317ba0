// Asks relayd-gate, a line for each request, and hears what it answers to each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/control/gates.h"
#include "daemon/control/client_connection.h"

namespace relay {

struct GateRequest {
    std::string method;
    std::string with;  // JSON.
};

class GateLine {
public:
    struct User {
        // The JSON under "ok", in the order of the requests; may be empty.
        std::function<void(const std::string& json)> on_answer = {};
        // What went wrong, in words.
        std::function<void(const std::string& text)> on_fault;
        // Once, at last. Must not destroy the line.
        std::function<void()> on_end;
    };

    // Null, and told, if there is nobody to ask; then there is no on_end.
    static std::unique_ptr<GateLine> ask(Loop& loop, const std::string& socket,
                                         const std::vector<GateRequest>& requests, User user);
    GateLine(const GateLine&) = delete;
    GateLine& operator=(const GateLine&) = delete;

    bool has_ended() const { return has_ended_; }

private:
    GateLine(Loop& loop, UniqueFd socket, std::size_t answers, User user);
    void line_came(const std::string& line);
    void end();

    std::size_t answers_;  // That are still to come.
    User user_;
    bool has_greeted_ = false;
    bool has_ended_ = false;
    UvTimer patience_;
    ClientConnection connection_;
};

}  // namespace relay
