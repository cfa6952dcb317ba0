// One client of the control socket and where it stands: greeted or not, what it waits for, whether
// it follows events.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/control/message.h"
#include "daemon/control/client_connection.h"
#include "daemon/control/commands.h"
#include "daemon/control/subscriptions.h"
#include "daemon/log/log.h"

namespace relay {

struct ClientContext {
    Loop& loop;
    Operations& operations;
    Subscriptions& subscriptions;
    Log& log;
};

class ControlClient {
public:
    // `who` is for the log: "uid 1000, process 4711". `on_end` must not destroy the client.
    ControlClient(ClientContext context, UniqueFd socket, std::string who,
                  std::function<void()> on_end);
    ~ControlClient();
    ControlClient(const ControlClient&) = delete;
    ControlClient& operator=(const ControlClient&) = delete;

    void refuse(const Error& error);
    bool ended() const { return ended_; }

private:
    void line_came(const std::string& line);
    void run(const ControlCommand& command, const ControlRequest& request);
    void answer(std::uint64_t id, Result<std::string> result);
    void follow_events(std::uint64_t id);
    void log_change(std::string_view method, const Result<std::string>& result);
    void end();

    ClientContext context_;
    std::string who_;
    std::function<void()> on_end_;
    bool greeted_ = false;
    bool ended_ = false;
    std::size_t answers_under_way_ = 0;
    UvTimer greeting_deadline_;
    ClientConnection connection_;
    // Shared with answers under way, to which an expired pointer says that nobody waits any more.
    std::shared_ptr<ControlClient*> self_;
};

}  // namespace relay
