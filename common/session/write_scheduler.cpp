#include "common/session/write_scheduler.h"

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

}  // namespace relay
