#include "daemon/carriers/poll_tunnel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

// The relay answers after 20 s at the latest, and then there are 64 KiB to come.
constexpr Duration call_timeout = 45s;
constexpr Duration open_timeout = 15s;
// So long nothing may be answered, though it is tried.
constexpr Duration patience = 20s;
constexpr int rounds_per_turn = 16;

PollFailure failure_of(const HttpCalls::Outcome& outcome) {
    if (outcome.status == 413) return PollFailure::TooLarge;
    if (outcome.code == CURLE_OK) return PollFailure::Answer;
    return outcome.was_sent ? PollFailure::Cut : PollFailure::Unreachable;
}

}  // namespace

PollTunnel::PollTunnel(Loop& loop, HttpCalls::Options options, std::string prefix,
                       const PollTunnelId& id, OnOpen on_open)
    : loop_(loop),
      prefix_(std::move(prefix)),
      id_(id),
      on_open_(std::move(on_open)),
      pump_(loop, [this] { pump(); }),
      clock_(loop, [this] { pump(); }),
      calls_(std::make_unique<HttpCalls>(loop, std::move(options), poll_answer_most_bytes,
                                         [this](std::uint64_t ticket, HttpCalls::Outcome outcome) {
                                             ended(ticket, std::move(outcome));
                                         })) {
    call(Kind::Open, 0, bytes_of("relayd"));
}

void PollTunnel::call(Kind kind, std::uint64_t at, Bytes body) {
    const std::uint64_t ticket = next_ticket_++;
    PollRequest request{.tunnel = id_, .ticket = ticket, .at = at, .done = asker_.done()};
    request.kind = kind == Kind::Open   ? PollRequest::Kind::Open
                   : kind == Kind::Post ? PollRequest::Kind::Up
                                        : PollRequest::Kind::Down;
    if (kind == Kind::Open) request.done = 0;
    calls_under_way_.emplace(ticket, kind);
    calls_->start({.ticket = ticket,
                   .is_post = kind != Kind::Get,
                   .path = poll_path(prefix_, request),
                   .body = body,
                   .timeout = kind == Kind::Open ? open_timeout : call_timeout});
}

void PollTunnel::ended(std::uint64_t ticket, HttpCalls::Outcome outcome) {
    const auto node = calls_under_way_.extract(ticket);
    if (node.empty()) return;
    const Kind kind = node.mapped();
    if (kind == Kind::Open) return open_ended(outcome);
    if (near_ == nullptr) return;
    const bool is_answer = outcome.code == CURLE_OK && outcome.status == 200;
    const auto answer = is_answer ? parse_poll_answer(outcome.body) : std::nullopt;
    if (answer) {
        take(kind, ticket, *answer);
    } else {
        failed(kind, ticket, outcome);
    }
    pump_.schedule();
}

void PollTunnel::open_ended(const HttpCalls::Outcome& outcome) {
    Status status = Done{};
    const bool is_answer = outcome.code == CURLE_OK && outcome.status == 200;
    const auto answer = is_answer ? parse_poll_answer(outcome.body) : std::nullopt;
    if (answer && answer->kind == PollAnswer::Kind::Opened) {
        uplink_.set_body_most(answer->body_most);
    } else if (is_answer) {
        status = Error{ErrorCode::Unsupported,
                       outcome.error + ", which is not what a relay says to a tunnel's POST"};
    } else {
        status = Error{outcome.status != 0 ? ErrorCode::Refused : ErrorCode::System, outcome.error};
    }
    const auto on_open = std::move(on_open_);  // It may destroy us.
    on_open(std::move(status));
}

void PollTunnel::take(Kind kind, std::uint64_t ticket, const PollAnswer& answer) {
    if (answer.kind == PollAnswer::Kind::Gone) return give_up("the relay has closed the tunnel");
    const auto expected = kind == Kind::Post ? PollAnswer::Kind::Taken : PollAnswer::Kind::Piece;
    const bool is_good =
        answer.kind == expected && (kind == Kind::Post ? uplink_.taken(ticket, answer.offset)
                                                       : asker_.answered(ticket, answer));
    if (!is_good) give_up("an answer of the tunnel makes no sense");
}

void PollTunnel::failed(Kind kind, std::uint64_t ticket, const HttpCalls::Outcome& outcome) {
    const TimePoint time = now();
    if (kind == Kind::Post) {
        uplink_.failed(ticket, failure_of(outcome), time);
    } else {
        asker_.failed(ticket, time);
    }
    for (const auto& since : {uplink_.failing_since(), asker_.failing_since()}) {
        if (since && time - *since >= patience) return give_up(outcome.error);
    }
}

void PollTunnel::carry(UniqueFd near) {
    near_ = std::make_unique<Poll>(loop_, std::move(near), [this](PollEvents) { pump(); });
    pump_.schedule();
}

void PollTunnel::pump() {
    for (int round = 0; near_ != nullptr; ++round) {
        if (round == rounds_per_turn) {
            pump_.schedule();
            break;
        }
        const bool has_read = outward();
        const bool has_written = inward();
        if (!has_read && !has_written) break;
    }
    if (near_ != nullptr && asker_.is_over()) give_up("the relay has closed the tunnel");
    if (near_ == nullptr) return;
    start_calls();
    near_->set_interest(
        {.readable = uplink_.room() > 0 && !has_all_, .writable = !asker_.ready().empty()});
    set_clock();
}

// From the requests to the carrier.
bool PollTunnel::inward() {
    const Bytes ready = asker_.ready();
    if (near_ == nullptr || ready.empty()) return false;
    const auto sent = send(near_->fd(), ready.data(), ready.size(), MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) give_up({});
        return false;
    }
    asker_.consume(static_cast<std::size_t>(sent));
    return true;
}

// And back.
bool PollTunnel::outward() {
    std::array<std::uint8_t, std::size_t{32} << 10> buffer;
    const std::size_t room = std::min(buffer.size(), uplink_.room());
    if (near_ == nullptr || room == 0 || has_all_) return false;
    const auto got = recv(near_->fd(), buffer.data(), room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
        has_all_ = true;
        if (got < 0) give_up({});
        return false;
    }
    uplink_.write(Bytes{buffer}.first(static_cast<std::size_t>(got)));
    return true;
}

void PollTunnel::start_calls() {
    const TimePoint time = now();
    while (const auto post = uplink_.next(next_ticket_, time)) {
        call(Kind::Post, post->offset, post->body);
    }
    while (const auto number = asker_.next(next_ticket_, time)) call(Kind::Get, *number, {});
}

void PollTunnel::set_clock() {
    if (const auto next = earlier(uplink_.deadline(), asker_.deadline())) clock_.arm_at(*next);
}

// The carrier sees the end of its descriptor, and then destroys us.
void PollTunnel::give_up(std::string why) {
    if (what_broke_.empty()) what_broke_ = std::move(why);
    near_.reset();
    clock_.disarm();
}

}  // namespace relay
