// Two ends of a TCP connection of this process with itself.
#pragma once

#include <utility>

#include "common/base/result.h"
#include "daemon/io/unique_fd.h"

namespace relay {

// As socketpair(), but with bytes that the kernel counts, and resets. Non-blocking.
Result<std::pair<UniqueFd, UniqueFd>> tcp_pair();

}  // namespace relay
