// What memory the streams of this process may have, and giving back what they no longer use.
#pragma once

#include "common/session/arena.h"
#include "common/session/session.h"
#include "common/settings/settings.h"
#include "daemon/io/arena_memory.h"
#include "daemon/io/timer.h"

namespace relay {

// The limits of sessions, as the settings have them on this machine.
SessionOptions session_limits(const MemorySettings& settings);

// Address space for all sessions: several times what they may use, since blocks that were given
// back leave their addresses behind.
Result<ArenaMemory> reserve_arena(const SessionOptions& limits);

// Lets go of the pages of programs and libraries that are read from their files again when they are
// needed: what runs once, at the start, is most of them.
void forget_startup_code();

// Every few seconds returns to the system what no stream has needed since the last time.
class ArenaTrimmer {
public:
    // `arena` outlives it.
    ArenaTrimmer(Loop& loop, Arena& arena);

private:
    void trim();

    Arena& arena_;
    bool startup_is_forgotten_ = false;
    UvTimer timer_;
};

}  // namespace relay
