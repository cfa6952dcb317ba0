#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <span>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/request.h"

namespace relay::bench {

namespace {

constexpr int tick_ms = 10;
constexpr std::size_t most_failures = 1000;  // Then the rig is broken, and the measurement void.

class Connects {
public:
    Connects(const Address& address, std::size_t at_once, Ending ending, Window window)
        : address_(address), ending_(ending), window_(window), visits_(at_once) {}

    void run() {
        for (std::size_t i = 0; i < visits_.size(); ++i) begin(i);
        epoll_event events[64];
        while (now_ns() < window_.end_ns) {
            const int count = poll_.wait(events, tick_ms);
            for (const auto& event : std::span(events, static_cast<std::size_t>(count)))
                (event.events & EPOLLOUT) ? connected(event.data.u64) : answered(event.data.u64);
        }
        fmt::print("{{\"per_second\":{:.1f},\"failed\":{},{}}}\n",
                   static_cast<double>(durations_ns_.size()) / window_.seconds(), failures_,
                   percentiles(durations_ns_));
    }

private:
    struct Visit {
        Socket socket;
        std::int64_t began_ns = 0;
    };

    void begin(std::size_t index) {
        auto& visit = visits_[index];
        visit.began_ns = now_ns();
        while ((visit.socket = begin_connecting(address_)).fd() < 0) count_failure();
        poll_.add(visit.socket.fd(), EPOLLOUT, mark(index));
    }

    void connected(std::size_t index) {
        const int fd = visits_[index].socket.fd();
        const std::array request{static_cast<char>(Request::Echo), 'c'};
        if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != 2) return again(index);
        poll_.change(fd, EPOLLIN, mark(index));
    }

    void answered(std::size_t index) {
        auto& visit = visits_[index];
        char byte = 0;
        if (recv(visit.socket.fd(), &byte, 1, MSG_DONTWAIT) != 1) return again(index);
        const auto now = now_ns();
        if (window_.holds(now)) durations_ns_.push_back(now - visit.began_ns);
        ending_ == Ending::Reset ? visit.socket.close_with_reset() : visit.socket.close();
        begin(index);
    }

    void again(std::size_t index) {
        count_failure();
        visits_[index].socket.close();
        begin(index);
    }

    void count_failure() {
        if (++failures_ > most_failures) give_up("too many connections fail");
    }

    Address address_;
    Ending ending_;
    Window window_;
    Poll poll_;
    std::vector<Visit> visits_;
    std::vector<std::int64_t> durations_ns_;
    std::size_t failures_ = 0;
};

}  // namespace

void run_connects(const Address& address, std::size_t at_once, Ending ending, Window window) {
    Connects{address, at_once, ending, window}.run();
}

}  // namespace relay::bench
