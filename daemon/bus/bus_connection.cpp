#include "daemon/bus/bus_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace relay {

namespace {

constexpr Duration first_wait = std::chrono::seconds(1);
constexpr Duration longest_wait = std::chrono::seconds(30);
// Messages handled in one go, before streams have their turn again.
constexpr int messages_per_turn = 16;
// sd-bus asks for 8 MiB, which a bus that hangs would leave full.
constexpr int send_buffer_bytes = 256 << 10;

}  // namespace

BusConnection::BusConnection(Loop& loop, std::string address, Callbacks callbacks)
    : loop_(loop),
      address_(std::move(address)),
      callbacks_(std::move(callbacks)),
      wait_(first_wait),
      due_(loop, [this] { process(); }),
      retry_(loop, [this] { open(); }),
      watch_(loop, [this] { watch(); }) {
    retry_.arm(Duration::zero());
}

BusConnection::~BusConnection() {
    sd_bus_close_unref(bus_);
}

void BusConnection::open() {
    const int result = start();
    if (result < 0) return close(std::strerror(-result));
    watch_.schedule();
}

int BusConnection::start() {
    int result = sd_bus_new(&bus_);
    if (result < 0) return result;
    result = sd_bus_set_address(bus_, address_.c_str());
    if (result < 0) return result;
    result = sd_bus_set_bus_client(bus_, 1);
    if (result < 0) return result;
    result = sd_bus_start(bus_);
    if (result < 0) return result;
    result = callbacks_.on_open(*bus_);
    if (result < 0) return result;
    const int copy = ::fcntl(sd_bus_get_fd(bus_), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return -errno;
    (void)::setsockopt(copy, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    poll_ = std::make_unique<Poll>(loop_, UniqueFd{copy}, [this](PollEvents) { process(); });
    return 0;
}

void BusConnection::process() {
    for (int i = 0; i < messages_per_turn && bus_ != nullptr; ++i) {
        const int result = sd_bus_process(bus_, nullptr);
        if (bus_ == nullptr) return;  // A callback of ours has refused it.
        if (result < 0) return close(std::strerror(-result));
        if (result == 0) break;
    }
    watch_.schedule();
}

// What sd-bus waits for changes with all that it does.
void BusConnection::watch() {
    if (bus_ == nullptr) return;
    const int events = sd_bus_get_events(bus_);
    std::uint64_t due_us = 0;
    const int result = events < 0 ? events : sd_bus_get_timeout(bus_, &due_us);
    if (result < 0) return close(std::strerror(-result));
    poll_->set_interest({.readable = (events & POLLIN) != 0, .writable = (events & POLLOUT) != 0});
    if (due_us == UINT64_MAX) return due_.disarm();
    // By CLOCK_MONOTONIC, as ours. 0 means now: messages lie in its queue.
    due_.arm_at(TimePoint{std::chrono::microseconds(due_us)});
}

void BusConnection::close(const std::string& why) {
    poll_.reset();
    due_.disarm();
    callbacks_.on_close(why);
    bus_ = sd_bus_close_unref(bus_);
    retry_.arm(wait_);
    wait_ = std::min(2 * wait_, longest_wait);
}

void BusConnection::refuse(const std::string& why) {
    wait_ = longest_wait;
    close(why);
}

void BusConnection::welcome() {
    wait_ = first_wait;
}

}  // namespace relay
