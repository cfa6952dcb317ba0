#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/request.h"

namespace relay::bench {

namespace {

constexpr int tick_ms = 10;
constexpr std::int64_t report_patience_ns = 60'000'000'000;  // Full windows drain on slow links.

class Bulk {
public:
    Bulk(const Address& address, std::size_t connections, Direction direction, Window window)
        : window_(window), up_(direction == Direction::Up) {
        for (std::size_t i = 0; i < connections; ++i) begin(address);
    }

    std::vector<std::int64_t> run() {
        epoll_event events[64];
        while (now_ns() < window_.end_ns) {
            const int count = poll_.wait(events, tick_ms);
            for (const auto& event : std::span(events, static_cast<std::size_t>(count)))
                up_ ? send_some(event.data.u64) : receive_some(event.data.u64);
        }
        if (up_) collect_reports();
        for (auto& socket : sockets_) socket.close_with_reset();
        return bytes_;
    }

private:
    void begin(const Address& address) {
        Socket socket = connect_to(address);
        std::array<char, 1 + sizeof window_> request;
        request[0] = static_cast<char>(up_ ? Request::Sink : Request::Source);
        std::memcpy(request.data() + 1, &window_, sizeof window_);
        send_all(socket.fd(), request.data(), up_ ? request.size() : 1);
        set_non_blocking(socket.fd());
        poll_.add(socket.fd(), up_ ? EPOLLOUT : EPOLLIN, mark(sockets_.size()));
        sockets_.push_back(std::move(socket));
        bytes_.push_back(0);
    }

    void send_some(std::size_t index) {
        const auto sent =
            send(sockets_[index].fd(), piece_.data(), piece_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        must(sent >= 0 || errno == EAGAIN, "send");
    }

    void receive_some(std::size_t index) {
        const auto received =
            recv(sockets_[index].fd(), piece_.data(), piece_.size(), MSG_DONTWAIT);
        if (received == 0) give_up("a connection ended early");
        must(received > 0 || errno == EAGAIN, "receive");
        if (received > 0 && window_.holds(now_ns())) bytes_[index] += received;
    }

    // The sinks' counts. They overtake nothing, but what was sent before is still under way.
    void collect_reports() {
        const auto deadline = now_ns() + report_patience_ns;
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            poll_.change(sockets_[i].fd(), EPOLLIN, mark(i));
        std::size_t missing = sockets_.size();
        for (epoll_event events[64]; missing > 0;) {
            if (now_ns() > deadline) give_up("a sink did not report");
            const int count = poll_.wait(events, tick_ms);
            for (const auto& event : std::span(events, static_cast<std::size_t>(count))) {
                const auto index = event.data.u64;
                receive_all(sockets_[index].fd(), &bytes_[index], sizeof bytes_[index]);
                poll_.change(sockets_[index].fd(), 0, mark(index));
                --missing;
            }
        }
    }

    Window window_;
    bool up_;
    Poll poll_;
    std::vector<Socket> sockets_;
    std::vector<std::int64_t> bytes_;  // Of each connection, within the window.
    std::vector<char> piece_ = std::vector<char>(bulk_piece, 'x');
};

}  // namespace

void run_bulk(const Address& address, std::size_t connections, Direction direction, Window window) {
    const auto each = Bulk{address, connections, direction, window}.run();
    const auto sum = std::accumulate(each.begin(), each.end(), std::int64_t{0});
    fmt::print("{{\"bytes\":{},\"seconds\":{:.3f},\"bytes_per_second\":{:.0f},\"each\":[{}]}}\n",
               sum, window.seconds(), static_cast<double>(sum) / window.seconds(),
               fmt::join(each, ","));
}

}  // namespace relay::bench
