// How much a carrier encrypts before the kernel has taken what came before. What is encrypted can
// no longer be overtaken, so on a slow path it is one record; on a fast one large pieces cost less.
#pragma once

#include <algorithm>
#include <cstddef>

#include "common/base/time.h"

namespace relay {

class SendPace {
public:
    explicit SendPace(std::size_t records_most) : records_most_(records_most) {}

    // The kernel has taken so many bytes.
    void sent(std::size_t bytes, TimePoint now) {
        bytes_ += bytes;
        const Duration elapsed = now - began_;
        if (elapsed < interval) return;
        // As many records as this path takes in a quarter of a millisecond.
        const double per_second =
            static_cast<double>(bytes_) / std::chrono::duration<double>(elapsed).count();
        const auto records = static_cast<std::size_t>(per_second / 4000 / record_bytes);
        records_ = std::clamp<std::size_t>(records, 1, records_most_);
        began_ = now;
        bytes_ = 0;
    }
    std::size_t records() const { return records_; }
    bool is_slow() const { return records_ == 1; }

private:
    static constexpr Duration interval = std::chrono::milliseconds(10);
    static constexpr double record_bytes = 16384;

    std::size_t records_most_;
    std::size_t records_ = 1;
    std::size_t bytes_ = 0;
    TimePoint began_{};
};

}  // namespace relay
