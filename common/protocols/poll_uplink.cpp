#include "common/protocols/poll_uplink.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t posts_most = 4;
// While so many are under way, a small one waits for more bytes to travel with.
constexpr std::size_t posts_before_gathering = 2;
// After so many cuts of one POST, its size may be the cause.
constexpr unsigned cuts_before_split = 3;
constexpr unsigned full_ones_before_growth = 256;

}  // namespace

Duration poll_retry_delay(unsigned failures) {
    return std::min<Duration>(50ms * (1u << std::min(failures, 5u)), 1s);
}

std::optional<PollUplink::Post> PollUplink::next(std::uint64_t ticket, TimePoint now) {
    if (under_way() >= posts_most) return std::nullopt;
    auto piece = std::find_if(pieces_.begin(), pieces_.end(), [&](const Piece& each) {
        return !each.ticket && each.not_before <= now;
    });
    if (piece == pieces_.end()) {
        const std::size_t before = pieces_.size();
        // What fails is found out by few, and not by all at once.
        if (!failing_since_ || pieces_.empty()) cut_new_piece();
        if (pieces_.size() == before) return std::nullopt;
        piece = std::prev(pieces_.end());
    }
    split(piece);
    piece->ticket = ticket;
    return Post{piece->offset, buffer_.view(piece->offset, piece->size)};
}

void PollUplink::cut_new_piece() {
    const auto fresh = static_cast<std::size_t>(buffer_.end() - assigned_);
    if (fresh == 0 || (fresh < body_most_ && under_way() >= posts_before_gathering)) return;
    const std::size_t size = std::min(fresh, body_most_);
    pieces_.push_back({.offset = assigned_, .size = size, .ticket = {}});
    assigned_ += size;
}

bool PollUplink::taken(std::uint64_t ticket, std::uint64_t taken) {
    if (taken > assigned_) return false;
    const auto piece = find(ticket);
    if (piece != pieces_.end()) {
        failing_since_.reset();
        piece->ticket.reset();  // Goes again, if it is not taken as a whole.
        piece->failures = 0;
        full_ones_ = piece->size == body_most_ ? full_ones_ + 1 : full_ones_;
        if (full_ones_ >= full_ones_before_growth) {
            body_most_ = std::min(2 * body_most_, body_ceiling_);
            full_ones_ = 0;
        }
    }
    if (taken > buffer_.begin()) failing_since_.reset();
    buffer_.drop_before(taken);
    pieces_.remove_if([&](const Piece& each) { return each.offset + each.size <= taken; });
    if (!pieces_.empty() && pieces_.front().offset < buffer_.begin()) {
        Piece& first = pieces_.front();
        first.size -= static_cast<std::size_t>(buffer_.begin() - first.offset);
        first.offset = buffer_.begin();
    }
    return true;
}

void PollUplink::failed(std::uint64_t ticket, PollFailure failure, TimePoint now) {
    const auto piece = find(ticket);
    if (piece == pieces_.end()) return;
    if (!failing_since_) failing_since_ = now;
    piece->ticket.reset();
    ++piece->failures;
    piece->not_before = now + poll_retry_delay(piece->failures);
    const bool is_too_large = failure == PollFailure::TooLarge;
    const bool may_be_too_large =
        failure == PollFailure::Cut && piece->failures % cuts_before_split == 0;
    if (!is_too_large && !may_be_too_large) return;
    const std::size_t half = std::max(poll_body_least_bytes, piece->size / 2);
    if (half >= piece->size) return;
    full_ones_ = 0;
    body_most_ = std::min(body_most_, half);
    if (is_too_large) body_ceiling_ = std::min(body_ceiling_, half);
    if (is_too_large) piece->not_before = now;
    split(piece);
}

void PollUplink::set_body_most(std::size_t bytes) {
    body_ceiling_ = std::clamp(bytes, poll_body_least_bytes, poll_body_most_bytes);
    body_most_ = std::min(body_most_, body_ceiling_);
}

void PollUplink::split(Pieces::iterator piece) {
    while (piece->size > body_most_) {
        Piece rest = *piece;
        rest.offset += body_most_;
        rest.size -= body_most_;
        piece->size = body_most_;
        piece = pieces_.insert(std::next(piece), rest);
    }
}

PollUplink::Pieces::iterator PollUplink::find(std::uint64_t ticket) {
    return std::find_if(pieces_.begin(), pieces_.end(),
                        [&](const Piece& each) { return each.ticket == ticket; });
}

std::size_t PollUplink::under_way() const {
    return static_cast<std::size_t>(std::count_if(
        pieces_.begin(), pieces_.end(), [](const Piece& each) { return each.ticket.has_value(); }));
}

std::optional<TimePoint> PollUplink::deadline() const {
    std::optional<TimePoint> next;
    if (under_way() >= posts_most) return next;
    for (const Piece& each : pieces_) {
        if (!each.ticket) next = earlier(next, each.not_before);
    }
    return next;
}

}  // namespace relay
