#include "common/session/credit.h"

#include <algorithm>

namespace relay {

namespace {

constexpr std::uint32_t step_soon = 32 * 1024;
constexpr std::uint32_t step_at_once = 256 * 1024;
constexpr Duration allowance = std::chrono::microseconds(250);
// Bytes come in bursts, which shorter rounds would take for bandwidth.
constexpr Duration round_least = std::chrono::milliseconds(10);
// What may be kept for a stream to have whole turns.
constexpr Duration turns = std::chrono::milliseconds(10);
// A window that nothing has needed for so long is halved.
constexpr Duration epoch = std::chrono::seconds(2);

}  // namespace

Credit first_credit(std::uint32_t window, TimePoint now) {
    return {.window = window,
            .told = 0,
            .most = window,
            .round_began = now,
            .round_offset = 0,
            .epoch_began = now,
            .epoch_window = 0};
}

void measure(Credit& credit, const CreditLimits& limits, std::uint64_t offset, Duration round_trip,
             TimePoint now) {
    const Duration round = round_trip + allowance;
    const Duration elapsed = now - credit.round_began;
    if (elapsed < std::max(round, round_least)) return;
    const auto bytes = static_cast<double>(offset - credit.round_offset);
    const auto within = [&](Duration time) {
        return bytes * (static_cast<double>(time.count()) / static_cast<double>(elapsed.count()));
    };
    const double wanted =
        std::max(2 * within(round), std::min(within(turns), double{0} + limits.turns_bytes));
    const auto window = static_cast<std::uint32_t>(
        std::clamp(wanted, double{0} + limits.start_bytes, double{0} + limits.most_bytes));
    credit.round_began = now;
    credit.round_offset = offset;
    credit.window = std::max(credit.window, window);
    credit.epoch_window = std::max(credit.epoch_window, window);
    if (now - credit.epoch_began < std::max(epoch, 8 * round)) return;
    if (credit.epoch_window < credit.window) {
        credit.window = std::max({credit.epoch_window, credit.window / 2, limits.start_bytes});
    }
    credit.epoch_began = now;
    credit.epoch_window = 0;
}

std::uint32_t tell(Credit& credit, std::uint64_t offset) {
    credit.told = offset;
    credit.most = std::max(credit.most, offset + credit.window);
    return credit.window;
}

Urgency urgency(const Credit& credit, std::uint64_t offset) {
    const std::uint64_t untold = offset - credit.told;
    if (untold >= std::min(credit.window / 2, step_at_once)) return Urgency::AtOnce;
    if (untold >= std::min(credit.window / 4, step_soon)) return Urgency::Soon;
    return Urgency::Sometime;
}

}  // namespace relay
