// Hears of the end of a process that is not our child: pidfd_open(2).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "daemon/io/poll.h"

namespace relay {

// Null: there is no such process. `on_end` comes once, and may destroy what is returned.
std::unique_ptr<Poll> hear_of_end(Loop& loop, pid_t process, std::function<void()> on_end);

}  // namespace relay
