// What a row of pings has shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace relay {

class RoundTrips {
public:
    // Of the latest so many the middle and the end are known; of all of them the rest.
    static constexpr std::size_t kept_most = 1'000'000;

    void answered(double ms);
    void lost() { ++lost_; }

    std::uint64_t sent() const { return answered_ + lost_; }
    std::uint64_t answered() const { return answered_; }
    // Without an answer all are 0.
    double least_ms() const { return least_ms_; }
    double average_ms() const;
    double most_ms() const { return most_ms_; }
    // The smallest that so many percent of the answers do not exceed.
    double percentile_ms(double percent) const;

    // "5 sent, 4 answered, 20 % lost\nmin 1.20 ms, avg 2.10 ms, p99 3.30 ms, max 3.30 ms\n"
    std::string text() const;
    // {"sent":5,"answered":4,"lost":1,"min_ms":1.2,"avg_ms":2.1,"p99_ms":3.3,"max_ms":3.3}
    std::string json() const;

private:
    std::vector<double> kept_;
    std::size_t oldest_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t lost_ = 0;
    double sum_ms_ = 0;
    double least_ms_ = 0;
    double most_ms_ = 0;
};

}  // namespace relay
