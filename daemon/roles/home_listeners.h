// What a home listens on itself, to reach forwards of other homes and targets of its relay: its
// listeners, and the streams that it opens for those who come.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/control/snapshot.h"
#include "daemon/forwards/forward.h"
#include "daemon/roles/role.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class HomeListeners final : private ForwardUser {
public:
    // Whose they are. All of it outlives them.
    struct Home {
        const RoleContext& context;
        std::function<SessionDriver*()> driver;  // Null: there is no session.
        std::function<LogFields()> fields;
        std::function<void(std::string kind, std::string text)> tell;
    };

    explicit HomeListeners(Home home);
    ~HomeListeners() override;

    // Those that stay the same are not touched, and streams of those that go, go on. Says what has
    // changed.
    std::vector<std::string> set(const std::vector<ForwardSettings>& wanted);
    void relay_came();
    void relay_left();
    // All streams are over.
    void session_over() { streams_.clear(); }
    // False: it is none of these.
    bool stream_over(StreamId stream, std::optional<ResetReason> reset);
    void stop();

    // What a former process has left: a stream's connection; and one that nothing was done with,
    // unless it came by none of these listeners.
    void go_on_with(SessionDriver& driver, StreamId stream, UniqueFd socket);
    bool take_untouched(UniqueFd& socket);

    void list(std::vector<ForwardSnapshot>& into) const;
    void list_streams(const std::string& session, std::vector<StreamSnapshot>& into) const;
    void list_problems(std::vector<std::string>& into) const;

private:
    struct Opened {
        ForwardId forward;
        HostPort to;
        std::string from;
        TimePoint since;
    };

    void visitor_came(ForwardId forward, Accepted visitor) override;
    void visitor_turned_away(ForwardId forward, const std::string& address,
                             const char* why) override;
    void visitors_wait_outside(ForwardId forward, const std::string& why) override;
    void grace_is_over(ForwardId forward) override;
    void listening_changed(ForwardId forward) override;

    void add(const ForwardSettings& settings);
    void opened(StreamId stream, Opened entry);
    std::optional<ForwardId> by_which_came(int socket) const;
    LogFields fields(ForwardId forward) const;

    Home home_;
    bool there_ = false;  // Data may flow, so connections are let in.
    std::map<ForwardId, std::unique_ptr<Forward>> forwards_;
    std::uint64_t last_forward_ = 0;
    std::map<StreamId, Opened> streams_;
};

}  // namespace relay
