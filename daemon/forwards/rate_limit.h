// How fast the streams of one home or visitor may be together, one way: whoever wants to move bytes
// asks for a turn. Those who must wait take turns. Nothing but these bytes waits.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "common/base/byte_bucket.h"
#include "daemon/io/timer.h"

namespace relay {

class RateLimit {
public:
    // One who asks. Its limit outlives it; null: there is none.
    class Turn {
    public:
        // `go_on` is called when it may ask again; it may destroy the turn.
        Turn(RateLimit* limit, std::function<void()> go_on)
            : limit_(limit), go_on_(std::move(go_on)) {}
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        // How many bytes may be moved now; 0: go_on follows.
        std::size_t ask();
        void used(std::size_t bytes);
        bool waits() const { return waits_; }

    private:
        friend class RateLimit;
        RateLimit* limit_;
        std::function<void()> go_on_;
        bool waits_ = false;
    };

    explicit RateLimit(Loop& loop);

    // From now on; nothing: as fast as can be.
    void set(std::optional<std::uint64_t> per_second);

private:
    void serve();
    void wait_for_bytes();

    std::optional<std::uint64_t> per_second_;
    std::optional<ByteBucket> bucket_;
    std::deque<Turn*> waiting_;
    Turn* served_ = nullptr;
    UvTimer timer_;
};

// Both ways.
struct RateLimits {
    RateLimit in;   // From its session,
    RateLimit out;  // and into it.

    explicit RateLimits(Loop& loop) : in(loop), out(loop) {}
    void set(std::optional<std::uint64_t> per_second) {
        in.set(per_second);
        out.set(per_second);
    }
};

}  // namespace relay
