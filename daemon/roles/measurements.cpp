#include "daemon/roles/measurements.h"

#include <fmt/format.h>

#include "daemon/io/system_clock.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr std::size_t pings_most = 64;
constexpr std::size_t benches_most = 4;
constexpr Duration shown_at_least = std::chrono::seconds{10};  // Else nobody waits for it.
constexpr double patience_usual_s = 5;
constexpr double patience_most_s = 60;
constexpr double bench_usual_s = 5;
constexpr double bench_least_s = 0.1;
constexpr double bench_most_s = 60;
constexpr std::uint64_t bench_bytes_most = std::uint64_t{1} << 36;

// Written so that what is no number is outside.
bool is_within(double value, double least, double most) {
    return value >= least && value <= most;
}

Duration duration_of(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::string_view name_of(Measurement::State state) {
    switch (state) {
        case Measurement::State::Opening:
        case Measurement::State::Running: return "running";
        case Measurement::State::Done: return "done";
        case Measurement::State::Failed: return "failed";
    }
    return "unknown";
}

bool is_over(const Measurement& measurement) {
    return measurement.state == Measurement::State::Done ||
           measurement.state == Measurement::State::Failed;
}

}  // namespace

Measurements::Measurements(Loop& loop) : loop_(loop), sweep_(loop, [this] { forget_old_ones(); }) {}

void Measurements::ping(const Subject& subject, const AskPing& request,
                        Completion<PingSnapshot> done) {
    const double patience_s = request.timeout_s.value_or(patience_usual_s);
    if (!is_within(patience_s, 0.001, patience_most_s)) {
        return done(Error{ErrorCode::Malformed, "a ping waits from 1ms to 60s for its answer"});
    }
    if (pings_.size() >= pings_most) {
        return done(Error{ErrorCode::Refused, "64 pings wait for their answers already"});
    }
    const std::uint64_t id = ++last_;
    Ping ping;
    ping.snapshot.home = subject.home;
    ping.snapshot.visitor = subject.visitor;
    ping.snapshot.at = moment_at(now());
    ping.asked = now();
    if (subject.driver != nullptr) {
        ping.snapshot.session = text_of_session(subject.driver->session().id());
        const std::weak_ptr<bool> there = is_there_;
        const auto carrier = subject.driver->ping([this, there, id](Duration rtt) {
            if (!there.expired()) answer(id, rtt);
        });
        if (carrier) {
            ping.snapshot.carrier = relay::name_of(carrier->info.kind);
            ping.snapshot.address = carrier->info.peer_address;
            ping.snapshot.lost =
                fmt::format("no answer within {} ms", static_cast<int>(patience_s * 1000));
        }
    }
    if (ping.snapshot.carrier.empty()) {
        ping.snapshot.lost = subject.driver == nullptr ? "there is no session" : "no carrier";
        return done(std::move(ping.snapshot));
    }
    ping.done = std::move(done);
    ping.patience = std::make_unique<UvTimer>(loop_, [this, id] { answer(id, std::nullopt); });
    ping.patience->arm(duration_of(patience_s));
    pings_.emplace(id, std::move(ping));
}

void Measurements::answer(std::uint64_t id, std::optional<Duration> rtt) {
    auto found = pings_.extract(id);
    if (found.empty()) return;
    Ping& ping = found.mapped();
    if (rtt) {
        ping.snapshot.rtt_ms = std::chrono::duration<double, std::milli>(*rtt).count();
        ping.snapshot.lost.clear();
    }
    ping.snapshot.at = moment_at(ping.asked);
    ping.done(std::move(ping.snapshot));
}

Result<BenchSnapshot> Measurements::start(const Subject& subject, const StartBench& request) {
    const double for_s = request.for_s.value_or(bench_usual_s);
    const std::uint64_t bytes = request.bytes.value_or(bench_bytes_most);
    const bool is_down = request.direction == "down";
    if (!is_down && request.direction != "up") {
        return Error{ErrorCode::Malformed, "the direction is down (to the home) or up (from it)"};
    }
    if (!is_within(for_s, bench_least_s, bench_most_s)) {
        return Error{ErrorCode::Malformed, "a measurement takes from 100ms to 60s"};
    }
    if (bytes == 0 || bytes > bench_bytes_most) {
        return Error{ErrorCode::Malformed, "a measurement takes at most 64GiB"};
    }
    if (subject.driver == nullptr || !subject.driver->attached()) {
        return Error{ErrorCode::Refused, "it is not connected: there is nothing to measure"};
    }
    const std::string session = text_of_session(subject.driver->session().id());
    std::size_t running = 0;
    for (const auto& [id, bench] : benches_) {
        if (is_over(*bench.measurement)) continue;
        ++running;
        if (bench.snapshot.session == session) {
            return Error{ErrorCode::Refused, "this session is being measured already"};
        }
    }
    if (running >= benches_most || benches_.size() >= 4 * benches_most) {
        return Error{ErrorCode::Refused, "four measurements run already: try again later"};
    }
    const std::uint64_t id = ++last_;
    Bench bench;
    bench.measurement = std::make_shared<Measurement>();
    bench.shown = now();
    bench.snapshot.id = id;
    bench.snapshot.home = subject.home;
    bench.snapshot.visitor = subject.visitor;
    bench.snapshot.session = session;
    bench.snapshot.direction = request.direction;
    auto end = std::make_unique<MeasuredEnd>(
        loop_, *subject.driver, MeasuredEnd::Side::Asks,
        is_down ? MeasuredEnd::Way::Sends : MeasuredEnd::Way::Takes,
        MeasuringLimits{duration_of(for_s), bytes}, bench.measurement);
    MeasuredEnd& started = *end;
    const auto port =
        static_cast<std::uint16_t>(is_down ? MeasuringPort::Sink : MeasuringPort::Source);
    const auto stream =
        subject.driver->open({std::string{measuring_host}, port, "bench"}, std::move(end));
    if (!stream) return stream.error();
    started.start(*stream);
    subject.driver->settle();
    sweep_.arm(shown_at_least);
    return snapshot_of(id, benches_.emplace(id, std::move(bench)).first->second);
}

BenchSnapshot Measurements::snapshot_of(std::uint64_t id, Bench& bench) {
    const auto measurement = bench.measurement;
    if (measurement->end != nullptr) measurement->end->update();
    BenchSnapshot& snapshot = bench.snapshot;
    snapshot.id = id;
    snapshot.state = name_of(measurement->state);
    snapshot.bytes = measurement->bytes;
    snapshot.text = measurement->text;
    if (measurement->begun && measurement->ended > *measurement->begun) {
        snapshot.elapsed_s =
            std::chrono::duration<double>(measurement->ended - *measurement->begun).count();
        snapshot.bytes_per_s =
            static_cast<std::uint64_t>(static_cast<double>(snapshot.bytes) / snapshot.elapsed_s);
    }
    return snapshot;
}

Result<BenchSnapshot> Measurements::show(std::uint64_t id) {
    const auto found = benches_.find(id);
    if (found == benches_.end()) {
        return Error{ErrorCode::NotFound, fmt::format("there is no measurement {} (any more)", id)};
    }
    found->second.shown = now();
    return snapshot_of(id, found->second);
}

Status Measurements::stop(std::uint64_t id) {
    const auto found = benches_.find(id);
    if (found == benches_.end()) {
        return Error{ErrorCode::NotFound, fmt::format("there is no measurement {} (any more)", id)};
    }
    const auto measurement = found->second.measurement;
    if (measurement->end != nullptr) measurement->end->stop();
    return Done{};
}

void Measurements::forget_old_ones() {
    for (auto each = benches_.begin(); each != benches_.end();) {
        const auto next = std::next(each);
        if (now() - each->second.shown >= shown_at_least) {
            const auto measurement = each->second.measurement;
            benches_.erase(each);
            if (measurement->end != nullptr) measurement->end->stop();
        }
        each = next;
    }
    if (!benches_.empty()) sweep_.arm(std::chrono::seconds{1});
}

}  // namespace relay
