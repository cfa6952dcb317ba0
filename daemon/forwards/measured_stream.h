// Streams that measure how much a session carries (docs/PROTOCOL.md 7.1): one side sends zeros, the
// other drops them. They have no socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/session/event.h"
#include "daemon/io/timer.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// Whom an OPEN asks for instead of a target. No host has such a name (RFC 6761).
inline constexpr std::string_view measuring_host = "measure.relayd.invalid";
enum class MeasuringPort : std::uint16_t { Source = 1, Sink = 2 };  // What the one asked is to be.

// What both ends of such a stream keep to.
struct MeasuringLimits {
    Duration time = std::chrono::seconds{60};
    std::uint64_t bytes = std::uint64_t{1} << 36;
};

class MeasuredEnd;

// How a measurement goes; lives on when its stream is gone.
struct Measurement {
    enum class State { Opening, Running, Done, Failed };
    State state = State::Opening;
    std::optional<TimePoint> begun;  // Once the other end was there.
    TimePoint ended;
    std::uint64_t bytes = 0;     // That have arrived. While it runs, see MeasuredEnd::update().
    std::string text;            // Why it failed, or ended early.
    MeasuredEnd* end = nullptr;  // While there is one.
};

class MeasuredEnd final : public StreamEnd {
public:
    enum class Way { Sends, Takes };
    enum class Side { Asks, IsAsked };

    // `driver` owns it. `result` is kept up to date by whoever asked.
    MeasuredEnd(Loop& loop, SessionDriver& driver, Side side, Way way,
                const MeasuringLimits& limits, std::shared_ptr<Measurement> result);
    ~MeasuredEnd() override;

    void start(StreamId stream);
    // Bytes as of now.
    void update();
    void stop();  // May destroy this.

    void connected() override;
    void readable() override;
    void writable() override;
    void finished() override;
    void closed() override;
    void reset(ResetReason reason) override;

private:
    void fill();
    void time_is_up();
    void settle_result(Measurement::State state, std::string text);

    SessionDriver& driver_;
    const Side side_;
    const Way way_;
    const MeasuringLimits limits_;
    std::shared_ptr<Measurement> result_;
    StreamId stream_{};
    std::uint64_t moved_ = 0;  // Sent or taken.
    UvTimer timer_;
    Deferred refill_;
};

// Answers those that the relay opens, two at a time.
class MeasuringAnswers {
public:
    explicit MeasuringAnswers(Loop& loop) : loop_(loop) {}

    // False: `to` is none of these. What it asks for may be refused.
    bool answer(SessionDriver& driver, StreamId stream, const Destination& to);

private:
    Loop& loop_;
    std::shared_ptr<Measurement> nobodys_ = std::make_shared<Measurement>();  // One for all.
};

}  // namespace relay
