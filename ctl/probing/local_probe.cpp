#include "ctl/probing/local_probe.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "daemon/io/system_clock.h"

namespace relay {
namespace {

// As long as a home waits for its target.
constexpr Duration connect_most = std::chrono::seconds{10};

ProbeKind settled(ProbeKind kind, std::uint16_t port) {
    if (kind == ProbeKind::Auto) return kind_for_port(port);
    return kind == ProbeKind::None ? ProbeKind::Tcp : kind;
}

UniqueFd socket_of(const IpAddress& address) {
    return UniqueFd{::socket(address.is_v4() ? AF_INET : AF_INET6,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

int connect_to(int socket, const ProbedAddress& target) {
    if (target.address.is_v4()) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(target.port);
        std::memcpy(&v4.sin_addr, target.address.bytes.data() + 12, sizeof v4.sin_addr);
        return ::connect(socket, reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(target.port);
    std::memcpy(&v6.sin6_addr, target.address.bytes.data(), sizeof v6.sin6_addr);
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

int error_of(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

LocalProbe::LocalProbe(const ProbedAddress& target, ProbeKind kind)
    : script_(settled(kind, target.port)),
      socket_(socket_of(target.address)),
      began_(now()),
      deadline_(began_ + connect_most) {
    begin(target);
}

void LocalProbe::begin(const ProbedAddress& target) {
    if (!socket_) return done(Verdict::Refused, std::strerror(errno));
    if (connect_to(socket_.get(), target) == 0) return connected();
    if (errno != EINPROGRESS) done(Verdict::Refused, std::strerror(errno));
}

short LocalProbe::wanted() const {
    if (!connected_at_) return POLLOUT;
    return static_cast<short>(POLLIN | (unsent_.empty() ? 0 : POLLOUT));
}

void LocalProbe::proceed() {
    if (result_) return;
    pollfd ready{socket_.get(), wanted(), 0};
    if (::poll(&ready, 1, 0) == 1) {
        if (connected_at_) {
            read_some();
            if (!result_) send_some();
        } else if (const int error = error_of(socket_.get()); error != 0) {
            done(Verdict::Refused, std::strerror(error));
        } else {
            connected();
        }
    }
    if (result_ || now() < deadline_) return;
    if (!connected_at_) return done(Verdict::Silent, "no answer to the connection attempt");
    const Verdict verdict = script_.timed_out();
    done(verdict, script_.detail());
}

void LocalProbe::connected() {
    connected_at_ = now();
    deadline_ = *connected_at_ + script_.patience();
    unsent_ = script_.to_send();
    send_some();
}

void LocalProbe::send_some() {
    if (unsent_.empty()) return;
    const auto size = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    // What went wrong with the connection is told by the next read.
    if (size > 0) unsent_ = unsent_.subspan(static_cast<std::size_t>(size));
}

void LocalProbe::read_some() {
    std::array<std::uint8_t, max_probe_answer> buffer;
    while (!result_) {
        const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) {
            const Verdict verdict = script_.ended();
            return done(verdict, script_.detail());
        }
        heard_ = true;
        const auto verdict = script_.received(Bytes{buffer}.first(static_cast<std::size_t>(size)));
        if (verdict) done(*verdict, script_.detail());
    }
}

void LocalProbe::done(Verdict verdict, std::string detail) {
    result_ = LocalProbeResult{.verdict = verdict, .detail = std::move(detail)};
    if (connected_at_) {
        result_->connect = *connected_at_ - began_;
        if (heard_) result_->answer = now() - *connected_at_;
    }
    socket_.reset();
}

void finish_probes(std::span<LocalProbe> probes) {
    for (;;) {
        std::vector<pollfd> waiting;
        std::optional<TimePoint> first;
        for (auto& probe : probes) {
            probe.proceed();
            if (probe.result()) continue;
            waiting.push_back({probe.fd(), probe.wanted(), 0});
            first = earlier(first, probe.deadline());
        }
        if (!first) return;
        const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*first - now());
        ::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<long>(wait.count(), 0)));
    }
}

LocalProbeResult probe_now(const ProbedAddress& target, ProbeKind kind) {
    LocalProbe probe{target, kind};
    finish_probes({&probe, 1});
    return *probe.result();
}

}  // namespace relay
