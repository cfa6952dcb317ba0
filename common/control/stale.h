// What relayctl finds out by itself about ports that somebody holds, as plain values: stale --json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/control/snapshot.h"

namespace relay {

struct HolderSnapshot {
    std::int64_t pid = 0;
    std::string user = {};  // Its number, if it has no name.
    std::string command = {};
    Moment since = {};
    std::string client = {};  // Of the ssh session: ADDRESS:PORT of who dialled in.
    std::string login = {};   // The number of the login session, as loginctl names it.
};

struct StaleSnapshot {
    std::string listen = {};     // ADDRESS:PORT that is held.
    std::string wanted_by = {};  // A sentence: "forward of work-pc". Empty: nobody that is known.
    std::string user = {};       // Who made the listener.
    std::vector<HolderSnapshot> holders = {};
    std::string unseen = {};  // Why there is no holder here.
    std::optional<ProbeSnapshot> probe = {};
    std::string alive = {};  // Why it is no stale one; empty: it may be ended.
};

struct StaleList {
    std::vector<StaleSnapshot> stale = {};
    std::uint64_t left_off = 0;
};

// What stale kill did, or with --dry-run would do.
struct StaleKill {
    std::vector<StaleSnapshot> stale = {};
    bool ended = false;  // All holders have.
    bool free = false;   // Nobody listens there now, or relayd's own forward does.
};

}  // namespace relay
