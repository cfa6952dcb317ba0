// What a reload changes: from the old settings and the new ones to what must start, stop or stay.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/settings/settings.h"

namespace relay {

// A forward is the same one as long as it listens at the same address.
struct ForwardChange {
    ForwardSettings before;
    ForwardSettings after;
};

struct HomeDifference {
    std::string name;
    bool keys_changed = false;
    bool from_changed = false;
    bool policy_changed = false;       // What it may take, and when.
    bool permissions_changed = false;  // What it may listen on and reach.
    std::vector<ForwardSettings> forwards_added;
    std::vector<ForwardSettings> forwards_removed;
    std::vector<ForwardChange> forwards_changed;  // Another target, probe or grace.
};

struct Difference {
    // Names; their forwards are not listed again in homes_changed.
    std::vector<std::string> homes_added;
    std::vector<std::string> homes_removed;
    std::vector<HomeDifference> homes_changed;
    std::vector<Endpoint> listen_added;
    std::vector<Endpoint> listen_removed;
    bool allow_changed = false;
    bool log_level_changed = false;
    // Other settings, by their paths in the file ("relay.keep-streams"), that hold from now on.
    std::vector<std::string> changed;
    // Those that hold after a restart only.
    std::vector<std::string> need_restart;

    bool is_empty() const;
};

Difference difference_of(const Settings& before, const Settings& after);

}  // namespace relay
