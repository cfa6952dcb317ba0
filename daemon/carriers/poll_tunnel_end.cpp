#include "daemon/carriers/poll_tunnel_end.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr Duration idle_most = 30s;
// For the client to hear of the end.
constexpr Duration idle_most_at_end = 5s;
constexpr int rounds_per_turn = 16;
constexpr long trusted_connections_most = 32;

}  // namespace

PollTunnelEnd::PollTunnelEnd(Loop& loop, UniqueFd near, std::weak_ptr<void> place, User user)
    : place_(std::move(place)),
      user_(std::move(user)),
      near_(std::make_unique<Poll>(loop, std::move(near), [this](PollEvents) { pump(); })),
      last_request_(now()),
      pump_(loop, [this] { pump(); }),
      over_(loop,
            [this] {
                const auto over = user_.over;  // Copied: it may destroy us.
                over();
            }),
      clock_(loop, [this] { look_at_clock(); }) {
    pump_.schedule();
}

void PollTunnelEnd::opened(ExchangeId exchange) {
    last_request_ = now();
    answerer_.opened(exchange);
    pump_.schedule();
}

void PollTunnelEnd::up(ExchangeId exchange, std::uint64_t offset, Bytes body, std::uint64_t done) {
    last_request_ = now();
    answerer_.up(exchange, offset, body, done, last_request_);
    pump_.schedule();
}

void PollTunnelEnd::down(ExchangeId exchange, std::uint64_t number, std::uint64_t done) {
    last_request_ = now();
    answerer_.down(exchange, number, done, last_request_);
    pump_.schedule();
}

void PollTunnelEnd::gone(ExchangeId exchange) {
    answerer_.gone(exchange);
    last_request_ = now();
}

std::shared_ptr<void> PollTunnelEnd::trust() const {
    return is_proven() && trust_.use_count() <= trusted_connections_most ? trust_ : nullptr;
}

void PollTunnelEnd::pump() {
    for (int round = 0; near_ != nullptr; ++round) {
        if (round == rounds_per_turn) {
            pump_.schedule();
            break;
        }
        const bool has_read = outward();
        const bool has_written = inward();
        if (!has_read && !has_written) break;
    }
    if (near_ == nullptr && !answerer_.ready().empty()) {
        answerer_.consume(answerer_.ready().size());  // Nobody wants it any more.
    }
    while (auto answer = answerer_.next_answer()) user_.answer(std::move(*answer));
    if (near_ != nullptr) {
        near_->set_interest(
            {.readable = answerer_.room() > 0, .writable = !answerer_.ready().empty()});
    }
    look_at_clock();
}

// From the requests to the carrier.
bool PollTunnelEnd::inward() {
    const Bytes ready = answerer_.ready();
    if (near_ == nullptr || ready.empty()) return false;
    const auto sent = send(near_->fd(), ready.data(), ready.size(), MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) close_near();
        return false;
    }
    answerer_.consume(static_cast<std::size_t>(sent));
    return true;
}

// And back.
bool PollTunnelEnd::outward() {
    std::array<std::uint8_t, std::size_t{32} << 10> buffer;
    const std::size_t room = std::min(buffer.size(), answerer_.room());
    if (near_ == nullptr || room == 0) return false;
    const auto got = recv(near_->fd(), buffer.data(), room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
        close_near();
        return false;
    }
    answerer_.write(Bytes{buffer}.first(static_cast<std::size_t>(got)));
    return true;
}

void PollTunnelEnd::close_near() {
    near_.reset();
    answerer_.end();
}

void PollTunnelEnd::look_at_clock() {
    const TimePoint time = now();
    if (const auto due = answerer_.deadline(); due && *due <= time) {
        answerer_.deadline_reached(time);
        pump_.schedule();
    }
    const bool is_idle = answerer_.waiting() == 0;
    const TimePoint end = last_request_ + (near_ != nullptr ? idle_most : idle_most_at_end);
    if (is_idle && end <= time) return over_.schedule();
    if (const auto next =
            earlier(answerer_.deadline(), is_idle ? std::optional{end} : std::nullopt)) {
        clock_.arm_at(*next);
    }
}

}  // namespace relay
