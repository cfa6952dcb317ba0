// The smallest program that behaves as relayd.service expects: ready, with a status, alive until it
// is told to stop, and with one line in the log. service_unit_test.py starts it as the service.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "daemon/log/message_ids.h"
#include "daemon/log/service_manager.h"
#include "daemon/log/system_sink.h"

namespace {

using namespace relay;

// Whether this process may bind 443 of every address.
bool may_bind_443() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(443);
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
}

}  // namespace

int main() {
    const auto sink = system_log_sink();
    Log log{*sink, LogLevel::Info};
    auto manager = ServiceManager::of_this_process();
    const auto interval = manager.alive_interval();
    if (!interval) {
        log.error({}, "no watchdog asked for a sign of life");
        return 1;
    }

    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, nullptr);

    log.info({.home = "work-pc", .session = 7, .message_id = message_id::home_connected},
             "home connected from {}\n", "192.0.2.1");
    std::string passed;
    for (const auto& each : ServiceManager::take_kept()) passed += each.name + " ";
    manager.status("passed: " + passed +
                   (may_bind_443() ? "and may bind 443" : "and may not bind 443"));
    manager.ready();

    const auto interval_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(*interval).count();
    const timespec wait{.tv_sec = interval_ns / 1000000000, .tv_nsec = interval_ns % 1000000000};
    while (sigtimedwait(&stop, nullptr, &wait) < 0) manager.alive();
    manager.stopping();
    return 0;
}
