// Readiness of a file descriptor, as events of the loop.
#pragma once

#include <functional>

#include "daemon/io/loop.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct PollEvents {
    bool readable = false;  // Also set on hang-up and error: the next read tells which.
    bool writable = false;
    // As interest: to hear of a reset while neither of the others is wanted. As event: something is
    // wrong, or urgent data came; see socket_is_dead().
    bool broken = false;

    bool operator==(const PollEvents&) const = default;
};

// Owns `fd`, which must be non-blocking, and closes it only after libuv has let go of it.
// `on_ready` may destroy the poll. libuv allows one poll for each descriptor number.
class Poll {
public:
    Poll(Loop& loop, UniqueFd fd, std::function<void(PollEvents)> on_ready);
    ~Poll();
    Poll(const Poll&) = delete;
    Poll& operator=(const Poll&) = delete;

    // Nothing is watched before the first call.
    void set_interest(PollEvents interest);
    // Who is told from now on; may be called from within the old one.
    void set_on_ready(std::function<void(PollEvents)> on_ready);
    int fd() const;
    // Gives the descriptor away, to be watched by others at once. The poll may only be destroyed.
    UniqueFd take_fd();

private:
    struct Handle;
    void close();

    Handle* handle_;  // Frees itself in its close callback. Null: the descriptor is given away.
    PollEvents interest_;
};

}  // namespace relay
