#include "daemon/checks/direct_probe.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "daemon/io/system_clock.h"

namespace relay {

DirectProbe::DirectProbe(Loop& loop, const Options& options, OnDone on_done)
    : loop_(loop),
      script_(options.kind, options.rdp),
      on_done_(std::move(on_done)),
      began_(now()),
      patience_(loop, [this] { finish(script_.timed_out()); }),
      dialer_(std::make_unique<TargetDialer>(
          loop, options.target, options.connect_timeout, [](const std::string&) { return true; },
          [this](auto result) { dialled(std::move(result)); })) {}

void DirectProbe::dialled(std::variant<UniqueFd, TargetDialer::Failure> result) {
    dialer_.reset();
    if (auto* failure = std::get_if<TargetDialer::Failure>(&result)) {
        Outcome outcome;
        outcome.failure = std::move(*failure);
        outcome.verdict = Verdict::Refused;
        return finish(std::move(outcome));
    }
    connected_at_ = now();
    patience_.arm(script_.patience());
    socket_ = std::make_unique<Poll>(loop_, std::move(std::get<UniqueFd>(result)),
                                     [this](PollEvents) { ready(); });
    // What is sent fits into any socket's buffer.
    const Bytes request = script_.to_send();
    if (!request.empty()) (void)!send(socket_->fd(), request.data(), request.size(), MSG_NOSIGNAL);
    socket_->set_interest({.readable = true, .writable = false});
}

void DirectProbe::ready() {
    std::array<std::uint8_t, max_probe_answer> buffer;
    while (!done_) {
        const auto size = recv(socket_->fd(), buffer.data(), buffer.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) return finish(script_.ended());
        heard_ = true;
        const auto verdict = script_.received(Bytes{buffer}.first(static_cast<std::size_t>(size)));
        if (verdict) return finish(*verdict);
    }
}

void DirectProbe::finish(Verdict verdict) {
    Outcome outcome;
    outcome.verdict = verdict;
    outcome.detail = script_.detail();
    outcome.connect = *connected_at_ - began_;
    if (heard_) outcome.answer = now() - *connected_at_;
    finish(std::move(outcome));
}

void DirectProbe::finish(Outcome outcome) {
    if (std::exchange(done_, true)) return;
    patience_.disarm();
    if (socket_) socket_->set_interest({});
    const OnDone on_done = std::move(on_done_);
    on_done(std::move(outcome));
}

}  // namespace relay
