// What the command of an ssh session tells relayd over the watch socket (docs/CONTROL.md), as plain
// values. All of it comes from any user of the machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/control/snapshot.h"

namespace relay {

struct WatchRegister {
    std::uint64_t port = 0;
    std::string address = {};  // Where it listens; empty: 127.0.0.1.
    std::string probe = {};    // The kind.
    std::string client = {};   // The other end of the ssh session, ADDRESS:PORT.
    std::int64_t pid = 0;      // Of the session's process; 0: not told.
    double age_s = 0;          // How long the session lasts.
};

struct WatchRegistered {
    std::string home = {};       // USER:PORT
    std::string session = {};    // Its id.
    std::string state = {};      // registered; freed: the port went with a former session
    std::uint64_t replaced = 0;  // How many sessions of the same user and port were ended.
};

struct WatchReport {
    std::optional<ProbeSnapshot> probe = {};
    std::uint64_t streams = 0;
    std::uint64_t bytes_in = 0;  // Of the ssh connection, from its client.
    std::uint64_t bytes_out = 0;
    std::optional<double> rtt_ms = {};
};

struct WatchRelease {
    std::uint64_t port = 0;
    std::string address = {};
};

struct WatchReleased {
    std::uint64_t replaced = 0;
};

// What is told to a client without its asking: kinds of events.
inline constexpr const char* watch_superseded = "watch-superseded";
inline constexpr const char* watch_closed = "watch-closed";

inline constexpr const char* watch_state_registered = "registered";
inline constexpr const char* watch_state_freed = "freed";

// The watch socket that goes with a control socket: watch.sock beside control.sock, or of any other
// name that name with ".watch".
inline std::string watch_socket_of(const std::string& control) {
    constexpr std::string_view usual = "control.sock";
    if (!control.ends_with(usual)) return control + ".watch";
    return control.substr(0, control.size() - usual.size()) + "watch.sock";
}

// A line, without its line feed.
inline constexpr std::size_t max_watch_request_bytes = std::size_t{4} << 10;

}  // namespace relay
