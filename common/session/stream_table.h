// The streams of a session: records in the arena, and an index to find them.
#pragma once

#include <unordered_map>
#include <vector>

#include "common/session/stream_record.h"

namespace relay {

class StreamTable {
public:
    explicit StreamTable(Arena& arena) : arena_(arena) {}
    ~StreamTable();
    StreamTable(const StreamTable&) = delete;
    StreamTable& operator=(const StreamTable&) = delete;

    // Null when the arena is spent. `id` must be new.
    StreamRecord* add(StreamId id);
    StreamRecord* find(StreamId id) const;
    // Its rings must be released already.
    void remove(StreamId id);

    std::size_t size() const { return index_.size(); }
    std::vector<StreamId> ids() const;  // In rising order.

    template <typename Visit>
    void for_each(Visit visit) {
        for (const auto& [id, entry] : index_) visit(*entry.record);
    }

private:
    struct Entry {
        BlockOffset block;
        StreamRecord* record;
    };

    Arena& arena_;
    std::unordered_map<StreamId, Entry> index_;
};

}  // namespace relay
