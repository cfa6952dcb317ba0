#include "daemon/sessions/held_readable.h"

#include <utility>

namespace relay {

HeldReadable::HeldReadable(Loop& loop, std::function<void()> on_late)
    : on_late_(std::move(on_late)), turn_end_(loop, [this] { turn_ended(); }) {}

std::optional<StreamId> HeldReadable::swap(StreamId stream) {
    if (stream_ == stream) return std::nullopt;
    is_new_ = true;
    return std::exchange(stream_, stream);
}

std::optional<StreamId> HeldReadable::take() {
    return std::exchange(stream_, std::nullopt);
}

void HeldReadable::wait() {
    turn_end_.schedule();
}

// Nothing may follow what settles, which can destroy this.
void HeldReadable::turn_ended() {
    if (!stream_) return;
    if (std::exchange(is_new_, false)) return turn_end_.schedule();
    on_late_();
}

}  // namespace relay
