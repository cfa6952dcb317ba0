#include "daemon/watches/process_end.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace relay {

std::unique_ptr<Poll> hear_of_end(Loop& loop, pid_t process, std::function<void()> on_end) {
    // A pidfd is close-on-exec by itself; whether reads of it block matters to nobody.
    UniqueFd fd{static_cast<int>(::syscall(SYS_pidfd_open, process, 0))};
    if (!fd) return nullptr;
    auto poll = std::make_unique<Poll>(loop, std::move(fd),
                                       [on_end = std::move(on_end)](PollEvents) { on_end(); });
    poll->set_interest({.readable = true});
    return poll;
}

}  // namespace relay
