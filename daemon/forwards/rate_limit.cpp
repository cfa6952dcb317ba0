#include "daemon/forwards/rate_limit.h"

#include <algorithm>
#include <utility>

#include "daemon/io/system_clock.h"

namespace relay {

RateLimit::Turn::~Turn() {
    if (limit_ == nullptr) return;
    std::erase(limit_->waiting_, this);
    if (limit_->served_ == this) limit_->served_ = nullptr;
}

std::size_t RateLimit::Turn::ask() {
    if (limit_ == nullptr || !limit_->bucket_) return SIZE_MAX;
    if (waits_) return 0;
    ByteBucket& bucket = *limit_->bucket_;
    const bool is_others_turn = limit_->served_ != this && !limit_->waiting_.empty();
    const std::size_t available = is_others_turn ? 0 : bucket.available(now());
    // Not less: who asks again and again would go on byte by byte, as fast as they come.
    if (available >= ByteBucket::turn_least) return std::min(available, bucket.turn());
    waits_ = true;
    limit_->waiting_.push_back(this);
    limit_->wait_for_bytes();
    return 0;
}

void RateLimit::Turn::used(std::size_t bytes) {
    if (limit_ == nullptr || !limit_->bucket_) return;
    limit_->bucket_->take(bytes);
    if (limit_->served_ == this) limit_->served_ = nullptr;  // That was its turn.
}

RateLimit::RateLimit(Loop& loop) : timer_(loop, [this] { serve(); }) {}

void RateLimit::set(std::optional<std::uint64_t> per_second) {
    if (per_second == per_second_) return;
    per_second_ = per_second;
    bucket_.reset();
    if (per_second) bucket_.emplace(*per_second, now());
    if (!waiting_.empty()) timer_.arm(Duration::zero());
}

void RateLimit::wait_for_bytes() {
    if (bucket_ && !timer_.is_armed()) timer_.arm_at(bucket_->when(bucket_->turn()));
}

// Each of those that wait now has one turn, as long as there are bytes; who wants more waits again.
void RateLimit::serve() {
    for (std::size_t left = waiting_.size(); left > 0 && !waiting_.empty(); --left) {
        if (bucket_ && bucket_->available(now()) < bucket_->turn()) break;
        served_ = waiting_.front();
        waiting_.pop_front();
        served_->waits_ = false;
        const auto go_on = served_->go_on_;  // It may destroy the turn.
        go_on();
        served_ = nullptr;
    }
    if (!waiting_.empty()) wait_for_bytes();
}

}  // namespace relay
