#include "common/sealing/record_opener.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

namespace {

Error changed() {
    return Error{ErrorCode::Unauthentic,
                 "what comes is not what was sealed: somebody in between has changed it"};
}

// The `count` bytes at `at`, from two pieces: where they lie, or copied to `room`.
Bytes piece_of(const std::array<Bytes, 2>& held, std::size_t at, std::size_t count,
               MutableBytes room) {
    if (at + count <= held[0].size()) return held[0].subspan(at, count);
    if (at >= held[0].size()) return held[1].subspan(at - held[0].size(), count);
    const std::size_t first = held[0].size() - at;
    std::copy_n(held[0].begin() + static_cast<std::ptrdiff_t>(at), first, room.begin());
    std::copy_n(held[1].begin(), count - first, room.begin() + static_cast<std::ptrdiff_t>(first));
    return room.first(count);
}

}  // namespace

RecordOpener::RecordOpener(AeadKind kind, SealedPlace& place, std::uint64_t owed)
    : kind_(kind), place_(place), owed_(owed), aead_(kind, place.now().key) {}

Result<Bytes> RecordOpener::open(std::array<Bytes, 2> held, MutableBytes room) {
    check(room.size() >= record_most_bytes);
    opened_count_ = 0;
    const std::size_t size = held[0].size() + held[1].size();
    const std::uint64_t first_record = place_.now().records;
    bool ended = place_.now().ended;
    std::size_t at = 0;    // In what is held,
    std::size_t used = 0;  // and in the room.
    while (size - at >= record_head_bytes && opened_count_ < records_at_once) {
        if (ended) return Error{ErrorCode::Unauthentic, "something comes behind the end"};
        std::array<std::uint8_t, record_most_bytes> whole;
        const Bytes head = piece_of(held, at, record_head_bytes, whole);
        const std::size_t text = static_cast<std::size_t>(head[0]) << 8 | head[1];
        if (text > record_text_most_bytes) return changed();
        if (size - at < text + record_extra_bytes || room.size() - used < text) break;
        const std::uint64_t number = first_record + opened_count_;
        // The next key is taken once the place has come to it.
        if (opened_count_ > 0 && number % records_per_key == 0) break;
        const Bytes record = piece_of(held, at, text + record_extra_bytes, whole);
        if (!aead_.open(number, record.first(record_head_bytes), record.subspan(record_head_bytes),
                        room.subspan(used, text))) {
            return changed();
        }
        opened_[opened_count_++] = static_cast<std::uint16_t>(text);
        ended = text == 0;
        at += record.size();
        used += text;
    }
    const std::size_t given = std::min<std::uint64_t>(owed_, used);
    return Bytes{room.subspan(given, used - given)};
}

std::size_t RecordOpener::taken(std::size_t count) {
    SealedWay way = place_.now();
    const SealedWay before = way;
    std::uint64_t given = owed_ + count;
    for (std::size_t i = 0; i < opened_count_ && given >= opened_[i]; ++i) {
        given -= opened_[i];
        way = behind_record(way, opened_[i]);
    }
    opened_count_ = 0;
    owed_ = given;
    if (way.stream == before.stream) return 0;
    place_.move_to(way);
    if (way.key != before.key) aead_ = Aead{kind_, way.key};
    return way.stream - before.stream;
}

}  // namespace relay
