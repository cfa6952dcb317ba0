#include "common/sealing/record_sealer.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

namespace {

// Copies to the front of a room in two pieces, which has enough.
void put(Bytes bytes, std::array<MutableBytes, 2>& room) {
    const std::size_t first = std::min(bytes.size(), room[0].size());
    std::copy_n(bytes.begin(), first, room[0].begin());
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.end(), room[1].begin());
}

// Leaves out the first `count` bytes.
void skip(std::size_t count, std::array<MutableBytes, 2>& room) {
    const std::size_t first = std::min(count, room[0].size());
    room[0] = room[0].subspan(first);
    room[1] = room[1].subspan(count - first);
    if (room[0].empty()) room = {room[1], {}};
}

}  // namespace

RecordSealer::RecordSealer(AeadKind kind, SealedPlace& place)
    : kind_(kind), place_(place), next_(place.now()), aead_(kind, next_.key) {}

RecordSealer::Sealed RecordSealer::seal(Bytes text, std::array<MutableBytes, 2> room) {
    Sealed done;
    std::size_t left = room[0].size() + room[1].size();
    while (!text.empty() && left >= record_least_bytes) {
        const std::size_t most = std::min(left, record_most_bytes) - record_extra_bytes;
        const Bytes piece = text.first(std::min(text.size(), most));
        const std::size_t size = piece.size() + record_extra_bytes;
        if (room[0].size() >= size) {
            write(piece, room[0].first(size));
        } else {
            std::array<std::uint8_t, record_most_bytes> whole;
            write(piece, MutableBytes{whole}.first(size));
            put(Bytes{whole}.first(size), room);
        }
        skip(size, room);
        left -= size;
        text = text.subspan(piece.size());
        done.taken += piece.size();
        done.written += size;
    }
    return done;
}

std::size_t RecordSealer::seal_end(std::array<MutableBytes, 2> room) {
    if (room[0].size() + room[1].size() < record_extra_bytes) return 0;
    std::array<std::uint8_t, record_extra_bytes> whole;
    write({}, whole);
    put(whole, room);
    return whole.size();
}

void RecordSealer::write(Bytes text, MutableBytes into) {
    check(!next_.ended && text.size() <= record_text_most_bytes);
    into[0] = static_cast<std::uint8_t>(text.size() >> 8);
    into[1] = static_cast<std::uint8_t>(text.size());
    aead_.seal(next_.records, into.first(record_head_bytes), text, into.subspan(record_head_bytes));
    const SealedWay behind = behind_record(next_, text.size());
    if (behind.key != next_.key) aead_ = Aead{kind_, behind.key};
    next_ = behind;
}

}  // namespace relay
