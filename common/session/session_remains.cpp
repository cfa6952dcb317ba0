#include "common/session/session_remains.h"

#include <map>

namespace relay {

namespace {

// Those that may be open, and those that are refused meanwhile.
constexpr std::size_t streams_most = 2 * wire::streams_max + 2;

}  // namespace

std::vector<SessionRemains> SessionRemains::all_in(const ArenaRemains& arena) {
    std::vector<SessionRemains> all;
    const auto* record = arena.find<SessionRecord>(arena.root());
    while (record != nullptr && all.size() < sessions_most) {
        all.push_back({arena, *record});
        record = arena.find<SessionRecord>(record->link.next);
    }
    return all;
}

std::vector<StreamRecord> SessionRemains::streams() const {
    std::map<StreamId, StreamRecord> found;
    const auto* record = arena_->find<StreamRecord>(record_.streams);
    while (record != nullptr && found.size() < streams_most) {
        // A chain that comes back to itself ends there.
        if (!found.emplace(record->id, *record).second) break;
        record = arena_->find<StreamRecord>(record->link.next);
    }
    std::vector<StreamRecord> streams;
    streams.reserve(found.size());
    for (const auto& [id, stream] : found) streams.push_back(stream);
    return streams;
}

}  // namespace relay
