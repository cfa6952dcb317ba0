// The streams of a session: records in the arena, chained, and an index to find them.
#pragma once

#include <unordered_map>
#include <vector>

#include "common/session/stream_record.h"

namespace relay {

class StreamTable {
public:
    // `first` lies in the arena, and leads whoever goes on with the arena to the records.
    StreamTable(Arena& arena, BlockOffset& first) : arena_(arena), chain_(arena, first) {}
    ~StreamTable();
    StreamTable(const StreamTable&) = delete;
    StreamTable& operator=(const StreamTable&) = delete;

    // Null when the arena is spent. Its id must be new.
    StreamRecord* add(const StreamRecord& record);
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
    RecordChain<StreamRecord> chain_;
    std::unordered_map<StreamId, Entry> index_;
};

}  // namespace relay
