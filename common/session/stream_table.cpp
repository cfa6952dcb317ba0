#include "common/session/stream_table.h"

#include <algorithm>
#include <new>

#include "common/base/check.h"

namespace relay {

StreamTable::~StreamTable() {
    for (const auto& [id, entry] : index_) arena_.release(entry.block, sizeof(StreamRecord));
}

StreamRecord* StreamTable::add(const StreamRecord& record) {
    const auto block = arena_.allocate(sizeof(StreamRecord));
    if (!block) return nullptr;
    auto* place = new (arena_.view(*block, sizeof(StreamRecord)).data()) StreamRecord{record};
    const bool is_new = index_.emplace(record.id, Entry{*block, place}).second;
    check(is_new);
    chain_.link(*block);
    return place;
}

StreamRecord* StreamTable::find(StreamId id) const {
    const auto found = index_.find(id);
    return found == index_.end() ? nullptr : found->second.record;
}

void StreamTable::remove(StreamId id) {
    const auto found = index_.find(id);
    check(found != index_.end());
    chain_.unlink(found->second.block);
    arena_.release(found->second.block, sizeof(StreamRecord));
    index_.erase(found);
}

std::vector<StreamId> StreamTable::ids() const {
    std::vector<StreamId> ids;
    ids.reserve(index_.size());
    for (const auto& [id, entry] : index_) ids.push_back(id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

}  // namespace relay
