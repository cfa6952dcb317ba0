// Ctrl-C that ends a command in good order, so that it can say what it has found.
#pragma once

#include <atomic>
#include <chrono>

namespace relay {

// From the first call on SIGINT and SIGTERM only set what it returns. A second one ends the
// program.
const std::atomic<bool>& interruption();

// False: it was interrupted.
bool sleep_unless_interrupted(std::chrono::duration<double> time);

}  // namespace relay
