// Readiness of a file descriptor, as events of the loop.
#pragma once

#include <cstdint>
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

class PollSet;

// Owns `fd`, which must be non-blocking. `on_ready` may destroy the poll. There may be one poll for
// a descriptor number.
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
    int fd() const { return fd_.get(); }
    // Gives the descriptor away, to be watched by others at once. The poll may only be destroyed.
    UniqueFd take_fd();

private:
    friend class PollSet;
    void tell(PollEvents events);

    PollSet& set_;
    UniqueFd fd_;
    std::function<void(PollEvents)> on_ready_;
    PollEvents interest_;
    std::uint32_t told_ = 0;   // What the kernel knows of it; 0: nothing.
    bool is_changed_ = false;  // Since the kernel was told.
};

}  // namespace relay
