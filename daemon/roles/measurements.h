// What an operator of a relay measures: signs of life, and how much a session carries.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "daemon/forwards/measured_stream.h"
#include "daemon/operations.h"

namespace relay {

class Measurements {
public:
    // A session, and whose it is.
    struct Subject {
        SessionDriver* driver = nullptr;  // Null: it has none now.
        std::string home = {};
        std::string visitor = {};
    };

    explicit Measurements(Loop& loop);

    void ping(const Subject& subject, const AskPing& request, Completion<PingSnapshot> done);

    Result<BenchSnapshot> start(const Subject& subject, const StartBench& request);
    Result<BenchSnapshot> show(std::uint64_t id);
    Status stop(std::uint64_t id);

private:
    struct Ping {
        PingSnapshot snapshot;
        Completion<PingSnapshot> done;
        std::unique_ptr<UvTimer> patience;
        TimePoint asked;
    };
    struct Bench {
        BenchSnapshot snapshot;
        std::shared_ptr<Measurement> measurement;
        TimePoint shown;
    };

    void answer(std::uint64_t ping, std::optional<Duration> rtt);
    void forget_old_ones();
    BenchSnapshot snapshot_of(std::uint64_t id, Bench& bench);

    Loop& loop_;
    std::map<std::uint64_t, Ping> pings_;
    std::map<std::uint64_t, Bench> benches_;
    std::uint64_t last_ = 0;
    std::shared_ptr<bool> is_there_ = std::make_shared<bool>(true);  // For answers that come late.
    UvTimer sweep_;
};

}  // namespace relay
