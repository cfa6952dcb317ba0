// One direction of a simulated carrier. Bytes arrive in order after `latency`. Its one fault is to
// die, and then it loses what is in flight, as a dying TCP connection does.
#pragma once

#include <deque>

#include "common/base/bytes.h"
#include "common/base/time.h"

namespace relay::sim {

class Link {
public:
    explicit Link(Duration latency) : latency_(latency) {}

    // As a socket's buffer: what is over it has to wait.
    static constexpr std::size_t capacity_bytes = 48 * 1024;

    std::size_t room() const { return in_flight_bytes_ < capacity_bytes ? 16384 : 0; }

    void send(Bytes bytes, TimePoint now) {
        in_flight_bytes_ += bytes.size();
        if (!blackhole_) in_flight_.push_back({now + latency_, vector_of(bytes)});
    }

    // At most `most` bytes of what has arrived, appended to `inbox`.
    void arrive(ByteVector& inbox, std::size_t most, TimePoint now) {
        while (most > 0 && !in_flight_.empty() && in_flight_.front().due <= now) {
            ByteVector& bytes = in_flight_.front().bytes;
            const std::size_t count = std::min(most, bytes.size());
            inbox.insert(inbox.end(), bytes.begin(), bytes.begin() + std::ptrdiff_t(count));
            bytes.erase(bytes.begin(), bytes.begin() + std::ptrdiff_t(count));
            most -= count;
            in_flight_bytes_ -= count;
            if (bytes.empty()) in_flight_.pop_front();
        }
    }

    // Nothing arrives any more, and nobody is told.
    void swallow() {
        blackhole_ = true;
        in_flight_.clear();
    }

private:
    struct Piece {
        TimePoint due;
        ByteVector bytes;
    };

    Duration latency_;
    std::deque<Piece> in_flight_;
    std::size_t in_flight_bytes_ = 0;
    bool blackhole_ = false;
};

}  // namespace relay::sim
