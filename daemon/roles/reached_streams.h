// The streams that a home opens to its relay, to reach a forward of another home or a target of
// the relay itself: each becomes a connection that the relay makes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/settings/reach_rule.h"
#include "daemon/forwards/rate_limit.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/roles/role.h"
#include "daemon/roles/visitor_names.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class ReachedStreams {
public:
    // What is to be dialled for what is asked for, if one of the rules names it.
    using Find =
        std::function<std::optional<HostPort>(const std::vector<ReachRule>&, const Destination&)>;

    struct Opened {
        std::string from;  // Our end of the connection; empty: none yet.
        HostPort target;   // As it was dialled.
        std::string who;   // Came to the home's listener, as the home says; empty after a restart.
        TimePoint since;
    };

    // `context`, `names` and `rates` outlive it.
    // Its bytes keep to `rates`.
    ReachedStreams(const RoleContext& context, VisitorNames& names, RateLimits& rates, Find find,
                   std::string who);
    ~ReachedStreams() { clear(); }
    ReachedStreams(const ReachedStreams&) = delete;
    ReachedStreams& operator=(const ReachedStreams&) = delete;

    // False: it may not be reached, or is not there.
    bool open(SessionDriver& driver, StreamId stream, const Destination& to,
              const std::vector<ReachRule>& rules);
    // The same for a target that is known to be permitted.
    void dial(SessionDriver& driver, StreamId stream, const HostPort& target,
              const std::string& visitor);
    // The same with a connection that is there, and not parked.
    void serve(SessionDriver& driver, StreamId stream, UniqueFd socket, const std::string& visitor);
    // Goes on with the connection that a former process has made for it. settle() is to follow.
    void go_on_with(SessionDriver& driver, StreamId stream, UniqueFd socket);
    // False: it is none of these.
    bool over(StreamId stream);
    void clear();
    std::size_t count() const { return opened_.size(); }
    const std::map<StreamId, Opened>& all() const { return opened_; }

private:
    void comes_from(StreamId stream, int fd);
    void dialled(SessionDriver& driver, StreamId stream,
                 std::variant<UniqueFd, TargetDialer::Failure> result);

    const RoleContext& context_;
    VisitorNames& names_;
    RateLimits& rates_;
    Find find_;
    const std::string who_;
    std::map<StreamId, Opened> opened_;
};

}  // namespace relay
