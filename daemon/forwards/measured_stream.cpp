#include "daemon/forwards/measured_stream.h"

#include <algorithm>
#include <cstring>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

constexpr std::size_t fill_most = std::size_t{1} << 20;  // In one turn of the loop.
constexpr long answered_at_once = 2;
constexpr Duration answer_most = std::chrono::seconds{10};

}  // namespace

MeasuredEnd::MeasuredEnd(Loop& loop, SessionDriver& driver, Side side, Way way,
                         const MeasuringLimits& limits, std::shared_ptr<Measurement> result)
    : driver_(driver),
      side_(side),
      way_(way),
      limits_(limits),
      result_(std::move(result)),
      timer_(loop, [this] { time_is_up(); }),
      refill_(loop, [this] {
          fill();
          driver_.settle();
      }) {
    if (side_ == Side::Asks) result_->end = this;
}

MeasuredEnd::~MeasuredEnd() {
    settle_result(Measurement::State::Failed, "the session ended");
    if (side_ == Side::Asks) result_->end = nullptr;
}

void MeasuredEnd::start(StreamId stream) {
    stream_ = stream;
    timer_.arm(side_ == Side::Asks ? answer_most : limits_.time);
    if (side_ == Side::IsAsked) fill();
}

void MeasuredEnd::connected() {
    if (side_ == Side::IsAsked || result_->begun) return;
    result_->begun = now();
    result_->state = Measurement::State::Running;
    timer_.arm(limits_.time);
    fill();
}

void MeasuredEnd::fill() {
    if (way_ == Way::Takes) return;
    std::size_t left = fill_most;
    while (left > 0) {
        if (moved_ >= limits_.bytes) return driver_.session().finish(stream_);
        const auto space = driver_.session().write_space(stream_)[0];
        if (space.empty()) return;
        const auto size = static_cast<std::size_t>(
            std::min({std::uint64_t{space.size()}, std::uint64_t{left}, limits_.bytes - moved_}));
        std::memset(space.data(), 0, size);
        driver_.session().wrote(stream_, size);
        driver_.count_out(size);
        moved_ += size;
        left -= size;
    }
    refill_.schedule();
}

void MeasuredEnd::writable() {
    fill();
}

void MeasuredEnd::readable() {
    for (;;) {
        const std::size_t size = driver_.session().read_data(stream_)[0].size();
        if (size == 0) return;
        driver_.session().consumed(stream_, size, now());
        driver_.count_in(size);
        moved_ += size;
        if (side_ == Side::Asks && moved_ >= limits_.bytes) return time_is_up();
    }
}

void MeasuredEnd::finished() {
    driver_.session().finish(stream_);
}

void MeasuredEnd::update() {
    if (result_->state != Measurement::State::Running) return;
    const auto info = driver_.session().info(stream_);
    if (info) result_->bytes = way_ == Way::Sends ? info->bytes_sent : info->bytes_received;
    result_->ended = now();
}

void MeasuredEnd::time_is_up() {
    if (side_ == Side::IsAsked) {
        // Whoever asked has gone, or is slow.
        driver_.reset(stream_, ResetReason::LimitReached);
        return;
    }
    stop();
}

void MeasuredEnd::stop() {
    update();
    if (result_->begun) {
        settle_result(Measurement::State::Done, {});
    } else {
        settle_result(Measurement::State::Failed, "no answer within 10 s");
    }
    driver_.reset(stream_, ResetReason::ClosedByOperator);
}

void MeasuredEnd::closed() {
    if (side_ == Side::IsAsked) return;
    result_->bytes = moved_;
    result_->ended = now();
    settle_result(Measurement::State::Done, {});
}

void MeasuredEnd::reset(ResetReason reason) {
    if (side_ == Side::IsAsked) return;
    const bool is_answer = !result_->begun;
    const bool is_unknown = reason == ResetReason::NotAllowed ||
                            reason == ResetReason::TargetUnknown ||
                            reason == ResetReason::TargetUnreachable;
    std::string text{name_of(reason)};
    if (is_answer && is_unknown) {
        text = "not supported: the relayd at the other end is too old";
    } else if (reason == ResetReason::LimitReached) {
        text = "the other end measures already, or has for too long";
    }
    result_->ended = now();
    settle_result(Measurement::State::Failed, std::move(text));
}

void MeasuredEnd::settle_result(Measurement::State state, std::string text) {
    timer_.disarm();
    const bool is_settled =
        result_->state == Measurement::State::Done || result_->state == Measurement::State::Failed;
    if (side_ == Side::IsAsked || is_settled) return;
    result_->state = state;
    result_->text = std::move(text);
}

bool MeasuringAnswers::answer(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (to.host != measuring_host) return false;
    const MeasuringPort port{to.port};
    if (port != MeasuringPort::Source && port != MeasuringPort::Sink) {
        driver.reset(stream, ResetReason::NotAllowed);
        return true;
    }
    // Each end has a share of it.
    if (nobodys_.use_count() > answered_at_once) {
        driver.reset(stream, ResetReason::LimitReached);
        return true;
    }
    using Way = MeasuredEnd::Way;
    auto end = std::make_unique<MeasuredEnd>(
        loop_, driver, MeasuredEnd::Side::IsAsked,
        port == MeasuringPort::Source ? Way::Sends : Way::Takes, MeasuringLimits{}, nobodys_);
    MeasuredEnd& started = *end;
    driver.session().connected(stream);
    driver.adopt(stream, std::move(end));
    started.start(stream);
    return true;
}

}  // namespace relay
