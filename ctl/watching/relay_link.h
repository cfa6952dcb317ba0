// The connection of a watched port to relayd, for a poll loop: registers, reports, hears what
// relayd wants, and comes again when relayd was away. Never blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/control/line_splitter.h"
#include "common/control/message.h"
#include "common/control/watch.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct LinkEvent {
    enum class Kind {
        Registered,
        Freed,       // The port was a former session's, which has ended.
        Refused,     // The port is not ours to register.
        Superseded,  // A newer session has come.
        Closed,      // By an operator.
        Away,        // relayd is not there; said once until it is there again.
    };
    Kind kind;
    std::string text = {};
    WatchRegistered answer = {};  // Of Registered and Freed.
};

class RelayLink {
public:
    // Begins to connect.
    RelayLink(std::string path, WatchRegister registration);

    // For poll(2); -1: nothing to wait for but the deadline.
    int fd() const { return socket_.get(); }
    short wanted() const;
    std::optional<TimePoint> deadline() const { return deadline_; }
    // When the descriptor is ready, or the deadline has come; harmless at other times.
    void proceed();

    bool is_registered() const { return registered_; }
    // Dropped while not registered.
    void report(const WatchReport& report);
    std::optional<LinkEvent> next_event();
    // For good.
    void close() {
        socket_.reset();
        deadline_.reset();
    }

private:
    void connect();
    void send(const std::string& line);
    void read_some();
    void hear(const std::string& line);
    void answered(const ControlReply& reply);
    void lost(const std::string& why);

    std::string path_;
    WatchRegister registration_;
    TimePoint began_;  // To tell the session's age later.
    UniqueFd socket_;
    std::string output_;
    LineSplitter input_;
    std::uint64_t last_id_ = 0;
    std::uint64_t registering_id_ = 0;
    bool greeted_ = false;
    bool registered_ = false;
    bool told_away_ = false;
    std::optional<TimePoint> deadline_;  // Of the next attempt, or for relayd's answer.
    std::deque<LinkEvent> events_;
};

}  // namespace relay
