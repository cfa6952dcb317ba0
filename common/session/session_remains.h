// The sessions that another process has left in an arena, to go on with. Records are read as they
// lie there and trusted in nothing; whoever goes on with a session judges each stream by itself.
#pragma once

#include <vector>

#include "common/session/arena.h"
#include "common/session/session_record.h"
#include "common/session/stream_record.h"

namespace relay {

class SessionRemains {
public:
    static constexpr std::size_t sessions_most = 65536;  // More cannot be true.

    // `arena` and its memory outlive what is returned.
    static std::vector<SessionRemains> all_in(const ArenaRemains& arena);

    const SessionRecord& record() const { return record_; }
    const ArenaRemains& arena() const { return *arena_; }
    // Those of the chain, the control stream among them, in rising order, each id once.
    std::vector<StreamRecord> streams() const;

private:
    SessionRemains(const ArenaRemains& arena, const SessionRecord& record)
        : arena_(&arena), record_(record) {}

    const ArenaRemains* arena_;
    SessionRecord record_;
};

}  // namespace relay
