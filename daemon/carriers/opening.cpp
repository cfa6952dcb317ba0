#include "daemon/carriers/opening.h"

#include <sys/socket.h>

#include <cerrno>

#include "common/protocols/websocket_handshake.h"
#include "daemon/carriers/socket_carrier.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

Error timed_out() {
    return Error{ErrorCode::System, "the handshake took too long"};
}

}  // namespace

Opening::Opening(Loop& loop, Random& random, Tunnel tunnel, Plan plan, OnDone on_done)
    : loop_(loop),
      random_(random),
      plan_(std::move(plan)),
      underlay_(std::move(tunnel.underlay)),
      peer_address_(std::move(tunnel.peer_address)),
      on_done_(std::move(on_done)),
      poll_(std::make_unique<Poll>(loop, std::move(tunnel.fd),
                                   [this](PollEvents events) { ready(events); })),
      deadline_(loop, [this] { finish(timed_out()); }),
      completion_(loop, [this] {
          if (outcome_) {
              auto carrier = make_carrier();
              const auto on_finished = on_done_;  // Copied: it may destroy us.
              on_finished(std::move(carrier));
          } else {
              const auto on_finished = on_done_;
              const Error why = outcome_.error();
              on_finished(why);
          }
      }) {
    set_no_delay(poll_->fd());
    deadline_.arm(plan_.deadline);
    // The first event, writability, starts a client's handshake.
    poll_->set_interest({.readable = true, .writable = true});
}

Opening::~Opening() = default;

void Opening::ready(PollEvents events) {
    if (finishing_) return;
    Status status = Done{};
    if (events.writable) {
        if (step_ == Step::Securing && unsent_.empty()) status = take({});
        if (status) status = send_unsent();
    }
    if (status && events.readable) status = receive();
    if (!status || step_ == Step::Done) {
        finish(std::move(status));
        return;
    }
    poll_->set_interest({.readable = true, .writable = !unsent_.empty()});
}

void Opening::finish(Status status) {
    if (finishing_) return;
    finishing_ = true;
    outcome_ = std::move(status);
    deadline_.disarm();
    poll_->set_interest({});
    completion_.schedule();
}

Status Opening::receive() {
    auto& in = loop_.wire_buffers().in;
    const auto size = recv(poll_->fd(), in.data(), in.size(), 0);
    if (size == 0) {
        return Error{ErrorCode::System, "the peer closed the connection during the handshake"};
    }
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return Done{};
        return Error{ErrorCode::System, error_text(errno)};
    }
    return take(Bytes{in}.first(static_cast<std::size_t>(size)));
}

Status Opening::take(Bytes input) {
    auto& out = loop_.wire_buffers().out;
    TlsWire wire{input, out};
    Status status = Done{};
    if (step_ == Step::Securing) {
        status = plan_.tls ? secure(wire) : secured(wire);
    } else if (plan_.tls) {
        status = decrypt(wire);
    }
    if (status && !plan_.tls) status = take_plain(wire.in);
    // Sent on failure too: it may be the alert that says why.
    send_soon(Bytes{out}.first(out.size() - wire.out.size()));
    auto sent = send_unsent();
    return status ? sent : status;
}

Status Opening::secure(TlsWire& wire) {
    const auto done = plan_.tls->handshake(wire);
    if (!done) return done.error();
    return *done ? secured(wire) : Status{Done{}};
}

// Past TLS, or on ws right at the start.
Status Opening::secured(TlsWire& wire) {
    if (plan_.tls && !plan_.required_alpn.empty() && plan_.tls->alpn() != plan_.required_alpn) {
        return Error{ErrorCode::Unsupported,
                     "the server does not speak " + plan_.required_alpn + " behind TLS"};
    }
    step_ = plan_.upgrade_host ? Step::Upgrading : Step::Done;
    if (plan_.upgrade_host) {
        if (auto sent = send_request(wire.out); !sent) return sent;
    }
    return plan_.tls ? decrypt(wire) : Status{Done{}};
}

Status Opening::send_request(MutableBytes& out) {
    websocket_key_ = new_websocket_key(random_);
    const auto request = websocket_request({.host = *plan_.upgrade_host,
                                            .path = plan_.upgrade_path,
                                            .key = websocket_key_,
                                            .fields = plan_.upgrade_fields});
    if (!request) return request.error();
    const auto bytes = bytes_of(*request);
    if (bytes.size() > max_record_plaintext) {
        return Error{ErrorCode::TooLarge, "the path of the endpoint and the headers are too long"};
    }
    if (!plan_.tls) {
        send_soon(bytes);
        return Done{};
    }
    TlsWire wire{{}, out};
    auto status = plan_.tls->write(wire, bytes);
    out = wire.out;
    return status;
}

// All of the ciphertext, since it may not stay in the shared buffer.
Status Opening::decrypt(TlsWire& wire) {
    auto& stage = loop_.wire_buffers().stage;
    while (true) {
        const auto size = plan_.tls->read(wire, stage);
        if (!size) return size.error();
        if (*size == 0) break;
        if (auto taken = take_plain(Bytes{stage}.first(*size)); !taken) return taken;
    }
    if (plan_.tls->peer_closed()) {
        return Error{ErrorCode::System, "the peer closed TLS during the handshake"};
    }
    return Done{};
}

Status Opening::take_plain(Bytes plain) {
    if (step_ == Step::Upgrading) {
        const auto head = head_.receive(plain);
        if (!head) return head.error();
        if (!*head) return Done{};
        if (auto good = check_websocket_answer(**head, websocket_key_); !good) return good;
        step_ = Step::Done;
    }
    if (early_.size() + plain.size() > max_received) {
        return Error{ErrorCode::TooLarge, "too much data behind the handshake"};
    }
    early_.insert(early_.end(), plain.begin(), plain.end());
    return Done{};
}

void Opening::send_soon(Bytes wire) {
    unsent_.insert(unsent_.end(), wire.begin(), wire.end());
}

Status Opening::send_unsent() {
    if (unsent_.empty()) return Done{};
    const auto size = send(poll_->fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return Done{};
        return Error{ErrorCode::System, error_text(errno)};
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + size);
    return Done{};
}

std::unique_ptr<Carrier> Opening::make_carrier() {
    OpenedSocket opened;
    opened.info.kind = plan_.kind;
    opened.info.road = plan_.road;
    opened.info.peer_address =
        peer_address_.empty() ? peer_address_text(poll_->fd()) : peer_address_;
    if (plan_.tls) opened.info.tls_exporter = plan_.tls->exporter();
    opened.info.may_be_unbound = plan_.may_be_unbound;
    if (plan_.upgrade_host) opened.websocket = WebSocketRole::Client;
    opened.underlay = std::move(underlay_);
    opened.poll = std::move(poll_);
    opened.tls = std::move(plan_.tls);
    opened.early = std::move(early_);
    return std::make_unique<SocketCarrier>(loop_, random_, std::move(opened));
}

}  // namespace relay
