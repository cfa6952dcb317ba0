#include "ctl/measuring/interruption.h"

#include <algorithm>
#include <csignal>
#include <ctime>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

std::atomic<bool> is_interrupted = false;

void interrupt(int) {
    is_interrupted = true;
}

}  // namespace

const std::atomic<bool>& interruption() {
    struct sigaction action {};
    action.sa_handler = interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    (void)sigaction(SIGINT, &action, nullptr);
    (void)sigaction(SIGTERM, &action, nullptr);
    return is_interrupted;
}

bool sleep_unless_interrupted(std::chrono::duration<double> time) {
    using namespace std::chrono;
    // In pieces: a signal that comes just before would not end it.
    const TimePoint end = now() + duration_cast<Duration>(time);
    while (!is_interrupted) {
        const Duration left = end - now();
        if (left <= Duration::zero()) return true;
        const auto piece = duration_cast<nanoseconds>(std::min<Duration>(left, 200ms));
        const timespec pause{.tv_sec = 0, .tv_nsec = piece.count()};
        (void)nanosleep(&pause, nullptr);
    }
    return false;
}

}  // namespace relay
