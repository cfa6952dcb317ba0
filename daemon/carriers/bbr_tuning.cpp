#include "daemon/carriers/bbr_tuning.h"

#include <algorithm>

namespace relay {

namespace {

constexpr double fed_seconds_in_search = 0.005;  // A few round trips: no time to be stingy.
constexpr double fed_seconds_least = 0.001;      // BBR sends as much as that at once.
constexpr double fed_seconds_most = 0.002;
constexpr std::size_t unsent_bytes_most = std::size_t{1} << 20;

// As the draft has it, for the part and the number of losses.
constexpr double much_lost = 0.02;
constexpr int lossy_looks_most = 3;
constexpr std::uint64_t bytes_that_tell = 100'000;
constexpr double limited_share = 0.8;  // BBR may have overestimated the rate by a tenth.
constexpr int limited_looks_most = 16;

}  // namespace

void BbrTuning::look(const BbrFigures& bbr, const PathFigures& path, bool had_enough) {
    feed(bbr, path, had_enough && path.is_limited_by_us);
    limit_search(bbr, path);
}

void BbrTuning::feed(const BbrFigures& bbr, const PathFigures& path, bool ran_out) {
    if (bbr.is_in_search) {
        fed_seconds_ = fed_seconds_in_search;
    } else {
        fed_seconds_ =
            std::clamp(fed_seconds_ * (ran_out ? 2 : 0.9), fed_seconds_least, fed_seconds_most);
    }
    // On a short path it calls for more so often that a round trip's worth is plenty.
    const auto seconds =
        std::min(fed_seconds_, std::chrono::duration<double>(path.least_rtt).count());
    const auto bytes = seconds * static_cast<double>(bbr.pacing_rate);
    unsent_bytes_ = std::min(static_cast<std::size_t>(bytes), unsent_bytes_most);
}

void BbrTuning::limit_search(const BbrFigures& bbr, const PathFigures& path) {
    const auto sent = path.bytes_sent - bytes_sent_;
    const auto sent_again = path.bytes_sent_again - bytes_sent_again_;
    bytes_sent_ = path.bytes_sent;
    bytes_sent_again_ = path.bytes_sent_again;
    const bool is_limited = pacing_rate_most_ != any_pacing_rate;
    if (!bbr.is_in_search || (is_limited && ++limited_looks_ > limited_looks_most)) {
        lossy_looks_ = limited_looks_ = 0;
        pacing_rate_most_ = any_pacing_rate;
        return;
    }
    if (is_limited || sent < bytes_that_tell) return;
    if (static_cast<double>(sent_again) < much_lost * static_cast<double>(sent)) return;
    if (++lossy_looks_ < lossy_looks_most) return;
    pacing_rate_most_ =
        static_cast<std::uint64_t>(limited_share * static_cast<double>(bbr.bandwidth));
}

}  // namespace relay
