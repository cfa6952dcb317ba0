#include "common/protocols/poll_bytes.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/protocols/poll_message.h"

namespace relay {

namespace {

constexpr std::size_t early_pieces_most = 512;

}  // namespace

Bytes PollBuffer::view(std::uint64_t offset, std::size_t size) const {
    check(offset >= begin_ && offset <= end() && size <= end() - offset);
    return Bytes{bytes_}.subspan(dropped_ + static_cast<std::size_t>(offset - begin_), size);
}

void PollBuffer::drop_before(std::uint64_t offset) {
    if (offset <= begin_) return;
    check(offset <= end());
    dropped_ += static_cast<std::size_t>(offset - begin_);
    begin_ = offset;
    if (dropped_ < bytes_.size() / 2 && dropped_ < poll_window_bytes) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(dropped_));
    dropped_ = 0;
}

bool PollInlet::store(std::uint64_t offset, Bytes piece) {
    const std::uint64_t limit = consumed() + window_;
    if (offset > limit || piece.size() > limit - offset) return false;
    if (offset > arrived()) return keep(offset, piece);
    take(offset, piece);
    while (!early_.empty() && early_.begin()->first <= arrived()) {
        const auto next = early_.extract(early_.begin());
        take(next.key(), next.mapped());
    }
    return true;
}

// Only what no other piece has: so all of them together fit into the window.
bool PollInlet::keep(std::uint64_t offset, Bytes piece) {
    auto next = early_.upper_bound(offset);
    if (next != early_.begin()) {
        const auto& [begin, bytes] = *std::prev(next);
        const auto known = begin + bytes.size() > offset ? begin + bytes.size() - offset : 0;
        piece = piece.subspan(std::min<std::size_t>(known, piece.size()));
        offset += known;
    }
    while (!piece.empty()) {
        const auto gap = next == early_.end()
                             ? piece.size()
                             : std::min<std::size_t>(next->first - offset, piece.size());
        if (gap > 0 && early_.size() >= early_pieces_most) return false;
        if (gap > 0) early_.emplace_hint(next, offset, vector_of(piece.first(gap)));
        if (gap == piece.size()) break;
        const auto skipped = std::min(gap + next->second.size(), piece.size());
        piece = piece.subspan(skipped);
        offset += skipped;
        ++next;
    }
    return true;
}

void PollInlet::take(std::uint64_t offset, Bytes piece) {
    const std::uint64_t known = arrived() - offset;
    if (known < piece.size()) ready_.append(piece.subspan(static_cast<std::size_t>(known)));
}

}  // namespace relay
