// What stands under "ok" in the replies that are lists, as plain values. The others are a snapshot
// as it is, or nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/control/snapshot.h"

namespace relay {

struct SessionList {
    std::vector<SessionSnapshot> sessions = {};
    std::uint64_t left_off = 0;  // How many more there are: max_listed is the limit.
    std::string next = {};       // To go on with, as ListPart::after; empty: that was all.
};

struct StreamList {
    std::vector<StreamSnapshot> streams = {};
    std::uint64_t left_off = 0;
    std::string next = {};
};

struct ForwardList {
    std::vector<ForwardSnapshot> forwards = {};
    std::uint64_t left_off = 0;
    std::string next = {};
};

struct HomeList {
    std::vector<HomeSnapshot> homes = {};
    std::uint64_t left_off = 0;
    std::string next = {};
};

struct VisitorList {
    std::vector<VisitorSnapshot> visitors = {};
    std::uint64_t left_off = 0;
};

struct InvitationList {
    std::vector<InvitationSnapshot> invitations = {};
    std::uint64_t left_off = 0;
};

struct AllowList {
    std::vector<AllowSnapshot> allow = {};
    std::uint64_t left_off = 0;
};

struct GuardedList {
    std::vector<GuardedSnapshot> sources = {};
    std::uint64_t left_off = 0;
};

struct ProbeList {
    std::vector<ProbeSnapshot> probes = {};
    std::uint64_t left_off = 0;
};

struct CheckList {
    std::vector<CheckSnapshot> checks = {};
    std::uint64_t left_off = 0;
};

// An answer with nothing in it.
struct Nothing {};

}  // namespace relay
