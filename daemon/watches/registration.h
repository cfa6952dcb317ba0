// What a watcher has told of its port, judged. Nothing in it is believed that matters to others.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/base/ip_address.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/control/watch.h"

namespace relay {

struct WatchedPlace {
    IpAddress address;
    std::uint16_t port = 0;

    bool operator==(const WatchedPlace&) const = default;
};
Result<WatchedPlace> watched_place(const std::string& address, std::uint64_t port);

struct Registration {
    WatchedPlace place;
    std::string home;     // USER:PORT
    std::string session;  // Its id.
    std::string client;   // ADDRESS:PORT, or empty.
    std::string probe_kind;
    pid_t pid = 0;
    TimePoint since;          // Of the ssh session.
    std::uint64_t inode = 0;  // Of the listener, which stays the same as long as the session.
    WatchReport last = {};    // What was reported last.
    TimePoint probed_at{};
};

// All but home, session and inode.
Result<Registration> read_registration(const WatchRegister& request, TimePoint now);
// Numbers and words that make sense, and nothing else.
Result<WatchReport> read_report(WatchReport report);

SessionSnapshot snapshot_of(const Registration& registration, TimePoint now,
                            std::int64_t now_unix_ms);

// That the listener which serves this place is the user's own, and not what it was at another time.
// 0: whatever it is. Says its inode.
Result<std::uint64_t> check_claim(const WatchedPlace& place, uid_t user, std::uint64_t inode = 0);

}  // namespace relay
