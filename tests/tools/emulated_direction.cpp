#include "tests/tools/emulated_direction.h"

#include <algorithm>
#include <utility>

namespace relay::linkemu {

namespace {

// What a link without a rate may have under way; 80 ms of 10 Gbit/s.
constexpr std::size_t max_queued_bytes = 100'000'000;

Clock::duration ticks(Milliseconds time) {
    return std::chrono::ceil<Clock::duration>(time);
}

// Bits at megabits a second.
Milliseconds time_on_wire(std::size_t bytes, double rate_mbit_s) {
    return Milliseconds(static_cast<double>(bytes) * 8 / (rate_mbit_s * 1000));
}

}  // namespace

void Direction::accept(Packet packet, std::size_t wire_bytes, Time now) {
    std::uniform_real_distribution<double> chance;
    if (conditions.loss > 0 && chance(random_) < conditions.loss) {
        ++counters_.lost;
        return;
    }
    const Time begin = std::max(now, free_at_);
    const bool waits_too_long = conditions.rate_mbit_s > 0 && begin - now > conditions.queue;
    if (cut_ || waits_too_long || queued_bytes_ + packet.size() > max_queued_bytes) {
        ++counters_.dropped;
        return;
    }
    free_at_ = begin;
    if (conditions.rate_mbit_s > 0)
        free_at_ += ticks(time_on_wire(wire_bytes, conditions.rate_mbit_s));
    Time arrival = free_at_ + ticks(conditions.delay);
    if (conditions.jitter.count() > 0) arrival += ticks(conditions.jitter * chance(random_));
    last_arrival_ = std::max(arrival, last_arrival_);
    queued_bytes_ += packet.size();
    under_way_.push_back({last_arrival_, std::move(packet)});
}

std::optional<Time> Direction::next_arrival() const {
    if (under_way_.empty()) return std::nullopt;
    return under_way_.front().arrival;
}

std::optional<Packet> Direction::take_arrived(Time now) {
    if (under_way_.empty() || under_way_.front().arrival > now) return std::nullopt;
    Packet packet = std::move(under_way_.front().packet);
    under_way_.pop_front();
    queued_bytes_ -= packet.size();
    ++counters_.delivered_packets;
    counters_.delivered_bytes += packet.size();
    return packet;
}

void Direction::cut() {
    cut_ = true;
    counters_.dropped += under_way_.size();
    under_way_.clear();
    queued_bytes_ = 0;
}

}  // namespace relay::linkemu
