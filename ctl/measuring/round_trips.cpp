#include "ctl/measuring/round_trips.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace relay {

namespace {

constexpr double tail_percent = 99;

}  // namespace

void RoundTrips::answered(double ms) {
    least_ms_ = answered_ == 0 ? ms : std::min(least_ms_, ms);
    most_ms_ = std::max(most_ms_, ms);
    sum_ms_ += ms;
    ++answered_;
    if (kept_.size() < kept_most) {
        kept_.push_back(ms);
    } else {
        kept_[oldest_] = ms;
        oldest_ = (oldest_ + 1) % kept_most;
    }
}

double RoundTrips::average_ms() const {
    return answered_ == 0 ? 0 : sum_ms_ / static_cast<double>(answered_);
}

double RoundTrips::percentile_ms(double percent) const {
    if (kept_.empty()) return 0;
    std::vector<double> sorted = kept_;
    std::sort(sorted.begin(), sorted.end());
    const double rank = std::ceil(percent / 100 * static_cast<double>(sorted.size()));
    const auto place = std::clamp<std::size_t>(static_cast<std::size_t>(rank), 1, sorted.size());
    return sorted[place - 1];
}

std::string RoundTrips::text() const {
    const auto share = sent() == 0 ? 0 : 100 * lost_ / sent();
    std::string text = fmt::format("{} sent, {} answered, {} % lost\n", sent(), answered_, share);
    if (answered_ == 0) return text;
    return text + fmt::format("min {:.2f} ms, avg {:.2f} ms, p99 {:.2f} ms, max {:.2f} ms\n",
                              least_ms_, average_ms(), percentile_ms(tail_percent), most_ms_);
}

std::string RoundTrips::json() const {
    std::string text =
        fmt::format(R"({{"sent":{},"answered":{},"lost":{})", sent(), answered_, lost_);
    if (answered_ > 0) {
        text += fmt::format(R"(,"min_ms":{:.3f},"avg_ms":{:.3f},"p99_ms":{:.3f},"max_ms":{:.3f})",
                            least_ms_, average_ms(), percentile_ms(tail_percent), most_ms_);
    }
    return text + "}";
}

}  // namespace relay
