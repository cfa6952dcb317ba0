#include "common/session/write_scheduler.h"

#include <algorithm>

namespace relay {

void WriteScheduler::add(StreamId stream) {
    fresh_.push_back({stream, first_quantum_bytes});
}

std::optional<StreamId> WriteScheduler::next() {
    while (!empty()) {
        auto& list = turn();
        Entry& entry = list.front();
        if (entry.deficit > 0) return entry.stream;
        const Entry again{entry.stream, entry.deficit + quantum_bytes};
        list.pop_front();
        busy_.push_back(again);
    }
    return std::nullopt;
}

void WriteScheduler::charge(std::size_t bytes) {
    turn().front().deficit -= static_cast<std::int32_t>(bytes);
}

bool WriteScheduler::drop() {
    auto& list = turn();
    const Entry entry = list.front();
    list.pop_front();
    if (&list == &fresh_ && !busy_.empty()) {
        busy_.push_back(entry);
        return false;
    }
    return true;
}

void WriteScheduler::revive(StreamId stream) {
    const auto found = std::find_if(busy_.begin(), busy_.end(),
                                    [&](const Entry& entry) { return entry.stream == stream; });
    if (found == busy_.end() || found->deficit <= 0) return;
    fresh_.push_back(*found);
    busy_.erase(found);
}

void WriteScheduler::remove(StreamId stream) {
    const auto is_it = [&](const Entry& entry) { return entry.stream == stream; };
    std::erase_if(fresh_, is_it);
    std::erase_if(busy_, is_it);
}

}  // namespace relay
