#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <vector>

namespace relay::linkemu {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Milliseconds = std::chrono::duration<double, std::milli>;

// One packet as the kernel gave it, with a virtio_net_hdr in front.
using Packet = std::vector<char>;

// What a packet has to go through. All may change while packets are under way: it counts for those
// that come later.
struct Conditions {
    Milliseconds delay{0};
    Milliseconds jitter{0};   // Added to the delay: a random time up to this. Reorders nothing.
    double rate_mbit_s = 0;   // 0: unlimited.
    Milliseconds queue{100};  // How long a packet may wait for the rate; else it is dropped.
    double loss = 0;          // The part of packets that is lost.
};

struct Counters {
    std::uint64_t delivered_packets = 0;
    std::uint64_t delivered_bytes = 0;
    std::uint64_t dropped = 0;  // The queue was full, or the link cut.
    std::uint64_t lost = 0;     // By chance.
};

// One direction of a link: which packets arrive, and when. Reads no clock.
class Direction {
public:
    explicit Direction(std::uint64_t seed) : random_(seed) {}

    Conditions conditions;

    // `wire_bytes` is what the packet would weigh on a wire of ordinary frames.
    void accept(Packet packet, std::size_t wire_bytes, Time now);

    // When the next packet arrives.
    std::optional<Time> next_arrival() const;

    // A packet that has arrived, in order; nothing if there is none yet.
    std::optional<Packet> take_arrived(Time now);

    // Until it heals, everything is dropped without a word; what is under way, too.
    void cut();
    void heal() { cut_ = false; }

    const Counters& counters() const { return counters_; }
    std::size_t queued_bytes() const { return queued_bytes_; }

private:
    struct UnderWay {
        Time arrival;
        Packet packet;
    };

    std::deque<UnderWay> under_way_;
    std::size_t queued_bytes_ = 0;
    Time free_at_{};       // When the rate lets the next packet begin.
    Time last_arrival_{};  // No packet arrives before its predecessor.
    bool cut_ = false;
    Counters counters_;
    std::mt19937_64 random_;
};

}  // namespace relay::linkemu
