// What a home wants its relay to listen on: a list that is said as a whole, and the answers.
#include <utility>

#include "common/base/check.h"
#include "common/session/session.h"

namespace relay {

namespace {

// A home that leaves so many answers lie does not listen.
constexpr std::size_t notices_most = 4 * wire::forwards_asked_max;

WantedForward kept(const wire::Forward& forward) {
    return {.address = std::string(forward.address),
            .port = forward.port,
            .target = std::string(forward.target),
            .target_port = forward.target_port,
            .grace_s = forward.grace_s,
            .probe = std::string(forward.probe),
            .proxy_protocol = forward.proxy_protocol,
            .ftp = forward.ftp};
}

wire::Forward said(const WantedForward& forward) {
    return {.port = forward.port,
            .target_port = forward.target_port,
            .grace_s = forward.grace_s,
            .proxy_protocol = forward.proxy_protocol,
            .address = forward.address,
            .target = forward.target,
            .probe = forward.probe,
            .ftp = forward.ftp};
}

}  // namespace

void Session::want_forwards(std::vector<WantedForward> forwards) {
    check(side_ == Side::Home && forwards.size() <= wire::forwards_asked_max);
    forwards_ = std::move(forwards);
    say_forwards();
}

// What waits of a former list need not be said any more.
void Session::say_forwards() {
    notices_.clear();
    notice(wire::Forwards{static_cast<std::uint16_t>(forwards_.size())});
    for (const WantedForward& forward : forwards_) notice(said(forward));
}

void Session::tell_forward(const ForwardTold& forward) {
    check(side_ == Side::Relay);
    const std::string_view why = forward.why;
    notice(wire::ForwardState{forward.port, forward.state, forward.address,
                              why.substr(0, wire::forward_why_max_bytes)});
}

void Session::ask_forwards_again() {
    if (!std::exchange(asked_again_, true)) notice(wire::ForwardsAgain{});
}

void Session::notice(const wire::ControlMessage& message) {
    if (over_) return;
    if (notices_.size() >= notices_most) return end(EndReason::ProtocolError);
    std::uint8_t room[wire::control_header_bytes + wire::control_message_max_bytes];
    ByteWriter writer{room};
    wire::put_control_message(writer, message);
    check(writer.ok());
    const Bytes written = writer.written();
    notices_.emplace_back(written.begin(), written.end());
    flush_messages();
}

// After all else that is owed. In a list nothing is missing: what finds no room waits.
void Session::flush_notices() {
    while (!notices_.empty() && messages_owed_.empty() && !over_) {
        if (!put_bytes(notices_.front())) return;
        notices_.pop_front();
    }
}

Status Session::on_forward_message(const wire::ControlMessage& message) {
    const bool is_homes = std::holds_alternative<wire::Forwards>(message) ||
                          std::holds_alternative<wire::Forward>(message);
    if (is_homes != (side_ == Side::Relay)) {
        return Error{ErrorCode::Malformed, "a message about forwards of the wrong side"};
    }
    if (const auto* forwards = std::get_if<wire::Forwards>(&message)) {
        forwards_.clear();
        forwards_announced_ = forwards->count;
        asked_again_ = false;
    } else if (const auto* forward = std::get_if<wire::Forward>(&message)) {
        // A former process may have heard the beginning of the list.
        if (!forwards_announced_) {
            ask_forwards_again();
            return Done{};
        }
        forwards_.push_back(kept(*forward));
    } else if (const auto* state = std::get_if<wire::ForwardState>(&message)) {
        events_.push_back(ForwardTold{std::string(state->address), state->port, state->state,
                                      std::string(state->why)});
    } else {
        say_forwards();
    }
    if (forwards_announced_ && forwards_.size() == *forwards_announced_) {
        forwards_announced_.reset();
        events_.push_back(ForwardsWanted{std::exchange(forwards_, {})});
    }
    return Done{};
}

}  // namespace relay
