// Puts off telling the end of a stream that there is something to read, while the peer is in the
// midst of its turn (WriteScheduler): a recv() ends where it may, and what it cut would cost the
// end's socket two calls instead of one. The next event that is handed out ends the wait, and so
// does a turn of the loop that brings nothing.
#pragma once

#include <functional>
#include <optional>

#include "common/session/ids.h"
#include "daemon/io/loop.h"

namespace relay {

class HeldReadable {
public:
    // `on_late` is to take() and tell whoever has waited for long enough.
    HeldReadable(Loop& loop, std::function<void()> on_late);

    // From now on `stream` waits, and nobody else: whoever did is to be told now.
    std::optional<StreamId> swap(StreamId stream);
    // Whoever waits is to be told now.
    std::optional<StreamId> take();
    std::optional<StreamId> stream() const { return stream_; }
    // More may come: on_late ends the wait, unless something else does before.
    void wait();

private:
    void turn_ended();

    std::optional<StreamId> stream_;
    bool is_new_ = false;  // The loop has not looked for events since it began to wait.
    std::function<void()> on_late_;
    Deferred turn_end_;
};

}  // namespace relay
