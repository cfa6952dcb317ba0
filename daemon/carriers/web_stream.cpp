#include "daemon/carriers/web_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "daemon/io/tcp_socket.h"
#include "daemon/io/wire_buffers.h"

namespace relay {

namespace {

constexpr std::size_t receive_most = 32 << 10;  // At once.

}  // namespace

WebStream::WebStream(Loop& loop, UniqueFd fd, std::unique_ptr<TlsChannel> tls,
                     std::function<void()> on_ready)
    : loop_(loop),
      tls_(std::move(tls)),
      poll_(std::make_unique<Poll>(loop, std::move(fd),
                                   [ready = std::move(on_ready)](PollEvents) { ready(); })),
      is_secured_(tls_ == nullptr) {
    set_no_delay(poll_->fd());
}

Status WebStream::receive(std::size_t most) {
    auto& in = loop_.wire_buffers().in;
    while (!has_ended_ && plain_.size() < most) {
        const auto size = recv(poll_->fd(), in.data(), receive_most, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (size < 0) return Error{ErrorCode::System, error_text(errno)};
        has_ended_ = size == 0;
        if (Status taken = take(Bytes{in}.first(static_cast<std::size_t>(size))); !taken) {
            return taken;
        }
    }
    return Done{};
}

Status WebStream::take(Bytes received) {
    if (!tls_) {
        plain_.insert(plain_.end(), received.begin(), received.end());
        return Done{};
    }
    TlsWire wire{received, loop_.wire_buffers().out};
    Status status = Done{};
    if (!is_secured_ && !received.empty()) {
        const auto done = tls_->handshake(wire);
        is_secured_ = done && *done;
        if (!done) status = done.error();
    }
    if (status && is_secured_) status = decrypt(wire);
    keep(wire);  // After a failure, too: it may be the alert that says why.
    return status;
}

Status WebStream::decrypt(TlsWire& wire) {
    auto& room = loop_.wire_buffers().plain;
    while (true) {
        const auto size = tls_->read(wire, MutableBytes{room}.first(max_record_plaintext));
        if (!size) return size.error();
        if (*size == 0) break;
        plain_.insert(plain_.end(), room.begin(),
                      room.begin() + static_cast<std::ptrdiff_t>(*size));
    }
    has_ended_ = has_ended_ || tls_->peer_closed();
    return Done{};
}

void WebStream::keep(const TlsWire& wire) {
    const auto& out = loop_.wire_buffers().out;
    unsent_.insert(unsent_.end(), out.begin(),
                   out.end() - static_cast<std::ptrdiff_t>(wire.out.size()));
}

Status WebStream::send(Bytes plain) {
    if (!tls_) {
        unsent_.insert(unsent_.end(), plain.begin(), plain.end());
        return Done{};
    }
    while (!plain.empty()) {
        const auto piece = plain.first(std::min(plain.size(), max_record_plaintext));
        TlsWire wire{{}, loop_.wire_buffers().out};
        if (Status written = tls_->write(wire, piece); !written) return written;
        keep(wire);
        plain = plain.subspan(piece.size());
    }
    return Done{};
}

Status WebStream::flush() {
    while (unsent() > 0) {
        const auto size =
            ::send(poll_->fd(), unsent_.data() + sent_, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return Done{};
        if (size < 0) return Error{ErrorCode::System, error_text(errno)};
        sent_ += static_cast<std::size_t>(size);
    }
    unsent_.clear();
    sent_ = 0;
    return Done{};
}

void WebStream::say_goodbye() {
    if (!tls_ || !is_secured_) return;
    TlsWire wire{{}, loop_.wire_buffers().out};
    tls_->shut_down(wire);
    keep(wire);
}

}  // namespace relay
