#include "daemon/carriers/socket_carrier.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "common/base/check.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

static_assert(max_left_over == max_carrier_rest);
static_assert(records_per_send * (5 + 8 + max_carrier_fill + 1 + 16) <= 65464);  // See there.
constexpr auto flush_patience = std::chrono::seconds{10};
constexpr auto linger_patience = std::chrono::seconds{2};

}  // namespace

// Tells, after a call out, whether the carrier is still there.
class SocketCarrier::Presence {
public:
    explicit Presence(SocketCarrier& carrier) : carrier_(carrier), outer_(carrier.gone_) {
        carrier.gone_ = &gone_;
    }
    ~Presence() {
        if (!gone_) {
            carrier_.gone_ = outer_;
        } else if (outer_ != nullptr) {
            *outer_ = true;
        }
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

    bool is_over() const { return gone_ || carrier_.state_ == State::Closed; }

private:
    SocketCarrier& carrier_;
    bool* outer_;
    bool gone_ = false;
};

SocketCarrier::SocketCarrier(Loop& loop, Random& random, OpenedSocket opened)
    : loop_(loop),
      random_(random),
      info_(std::move(opened.info)),
      underlay_(std::move(opened.underlay)),
      tls_(std::move(opened.tls)),
      websocket_(opened.websocket),
      early_(std::move(opened.early)),
      turn_end_(loop, [this] { turn_ended(); }),
      patience_(loop,
                [this] {
                    finish({ErrorCode::System, "the peer did not let go in time"});
                }),
      poll_(std::move(opened.poll)),
      unsent_limit_(poll_->fd()) {
    if (websocket_) reader_.emplace(*websocket_);
    set_no_delay(poll_->fd());
    poll_->set_interest({});
}

SocketCarrier::~SocketCarrier() {
    if (gone_ != nullptr) *gone_ = true;
}

void SocketCarrier::start(CarrierUser& user) {
    check(user_ == nullptr && state_ == State::Open);
    user_ = &user;
    poll_->set_on_ready([this](PollEvents events) { ready(events); });
    poll_->set_interest({.readable = true});
    turn_end_.schedule();  // There may be early bytes, and something to fill.
}

void SocketCarrier::kick() {
    if (state_ == State::Open && unsent_.empty()) turn_end_.schedule();
}

void SocketCarrier::close_after_flush() {
    if (state_ != State::Open) return;
    state_ = State::Flushing;
    patience_.arm(flush_patience);
    turn_end_.schedule();
}

void SocketCarrier::turn_ended() {
    if (user_ == nullptr || state_ == State::Closed) return;
    if (begin()) pump();
}

// Takes what came with the handshakes, of which OpenSSL may hold a part, before all else.
bool SocketCarrier::begin() {
    return std::exchange(has_begun_, true) || take({});
}

void SocketCarrier::ready(PollEvents events) {
    if (!begin()) return;
    if (events.writable) {
        waits_ = false;
        if (!send_unsent() || !pump()) return;
        set_interest();
    }
    if (events.readable && !receive_some()) return;
}

void SocketCarrier::set_interest() {
    poll_->set_interest({.readable = true, .writable = waits_ || !unsent_.empty()});
}

bool SocketCarrier::finish(const Error& why) {
    if (state_ == State::Closed) return false;
    state_ = State::Closed;
    patience_.disarm();
    poll_.reset();
    tls_.reset();
    unsent_ = {};
    kept_ = {};
    if (user_ != nullptr) std::exchange(user_, nullptr)->carrier_closed(why);  // Last: see there.
    return false;
}

// --- Receiving ---

std::size_t SocketCarrier::turn_bytes() const {
    return loop_.turn_length().records(now()) * max_record_plaintext;
}

bool SocketCarrier::receive_some() {
    const auto in = MutableBytes{loop_.wire_buffers().in}.subspan(max_carrier_rest);
    for (std::size_t taken = 0, most = turn_bytes(); taken < most;) {
        const auto size = recv(poll_->fd(), in.data(), in.size(), 0);
        if (size == 0) return finish(end_of(underlay_.get()));
        if (size < 0) {
            if (errno == EAGAIN || errno == EINTR) return true;
            return finish({ErrorCode::System, error_text(errno)});
        }
        const auto count = static_cast<std::size_t>(size);
        counters_.bytes_in += count;
        taken += count;
        if (!take(in.first(count))) return false;
        if (count < in.size()) return true;  // The socket is empty, most likely.
    }
    return true;
}

// What came before an error counts.
bool SocketCarrier::take(MutableBytes wire) {
    // After our own goodbye only the peer's end is of interest.
    if (state_ == State::Lingering) return true;
    const Presence presence{*this};
    const Status status = decrypt(wire, presence);
    if (presence.is_over()) return false;
    if (std::exchange(has_delivered_, false)) user_->carrier_drained();
    if (presence.is_over()) return false;
    if (!status) return finish(status.error());
    if (peer_said_goodbye_) {
        send_goodbye_at_once();
        return finish({ErrorCode::System, std::string{carrier_goodbye}});
    }
    if (pong_) turn_end_.schedule();
    return true;
}

// It, and what it calls, may return because the carrier is over.
Status SocketCarrier::decrypt(MutableBytes wire, const Presence& presence) {
    auto& buffers = loop_.wire_buffers();
    const auto plain = MutableBytes{buffers.plain}.subspan(max_carrier_rest);
    const auto early = std::exchange(early_, {});
    for (Bytes rest{early}; !rest.empty();) {
        const auto piece = plain.first(std::min(rest.size(), plain.size()));
        std::copy_n(rest.begin(), piece.size(), piece.begin());
        rest = rest.subspan(piece.size());
        if (auto taken = unwrap(piece, presence); !taken || presence.is_over()) return taken;
    }
    if (!tls_) return unwrap(wire, presence);

    TlsWire lent{wire, buffers.out};
    while (!peer_said_goodbye_) {
        const auto size = tls_->read(lent, plain);
        const auto answer = Bytes{buffers.out}.first(buffers.out.size() - lent.out.size());
        // An alert: sent if the socket takes it, since the connection is about to end.
        if (!size && !answer.empty()) send(poll_->fd(), answer.data(), answer.size(), MSG_NOSIGNAL);
        if (!size) return size.error();
        if (*size == 0) break;
        auto taken = unwrap(plain.first(*size), presence);
        if (!taken || presence.is_over()) return taken;
    }
    if (tls_->peer_closed()) peer_said_goodbye_ = true;
    return Done{};
}

// Takes WebSocket's headers off.
Status SocketCarrier::unwrap(MutableBytes input, const Presence& presence) {
    if (!reader_) return deliver(input, presence);
    while (true) {
        const auto piece = reader_->next(input);
        if (!piece) return piece.error();
        if (!*piece) return Done{};
        const auto bytes = (*piece)->bytes;
        switch ((*piece)->kind) {
            case WebSocketPiece::Kind::Payload: {
                auto taken = deliver(bytes, presence);
                if (!taken || presence.is_over()) return taken;
                break;
            }
            case WebSocketPiece::Kind::Ping: pong_ = vector_of(bytes); break;
            case WebSocketPiece::Kind::Close: peer_said_goodbye_ = true; return Done{};
        }
    }
}

// In front of the piece, in its buffer, there is room for what is kept, and nothing of use.
Status SocketCarrier::deliver(MutableBytes piece, const Presence& presence) {
    if (piece.empty()) return Done{};
    if (state_ != State::Open) {
        kept_.clear();
        return Done{};
    }
    const auto begin = piece.data() - kept_.size();
    std::copy(kept_.begin(), kept_.end(), begin);
    Bytes input{begin, kept_.size() + piece.size()};
    has_delivered_ = true;
    const auto status = user_->carrier_received(input);
    if (presence.is_over() || !status) return status;
    if (input.size() > max_carrier_rest) {
        return Error{ErrorCode::TooLarge, "too many bytes make no whole frame"};
    }
    kept_ = vector_of(input);
    return Done{};
}

// --- Sending ---

// On a slow path nothing is encrypted while the kernel has enough: a keystroke could not overtake
// it.
bool SocketCarrier::should_wait() {
    return state_ == State::Open && pace_.is_slow() && unsent_limit_.is_reached();
}

bool SocketCarrier::pump() {
    auto& buffers = loop_.wire_buffers();
    const Presence presence{*this};
    const std::size_t most = turn_bytes();
    for (std::size_t sent = 0; unsent_.empty() && state_ != State::Lingering;) {
        if (should_wait()) {
            waits_ = true;
            set_interest();
            break;
        }
        const auto room = MutableBytes{buffers.out}.first(pace_.records() * max_record_wire);
        MutableBytes out = room;
        const bool more = gather(out, presence);
        if (presence.is_over()) return false;
        const auto wire = Bytes{room}.first(room.size() - out.size());
        if (!wire.empty() && !send_now(wire)) return false;
        sent += wire.size();
        if (!more) break;
        if (sent >= most && unsent_.empty()) {
            turn_end_.schedule();
            break;
        }
    }
    if (state_ == State::Flushing && unsent_.empty()) {
        MutableBytes out{buffers.out};
        (void)put_goodbye(out);  // If it cannot be said, the connection's end says enough.
        const auto wire = Bytes{buffers.out}.first(buffers.out.size() - out.size());
        state_ = State::Lingering;
        if (!wire.empty() && !send_now(wire)) return false;
        if (unsent_.empty()) flushed();
    }
    return true;
}

// Fills `out` with records. False when there was less to send than fits, or the carrier is over.
bool SocketCarrier::gather(MutableBytes& out, const Presence& presence) {
    auto& stage = loop_.wire_buffers().stage;
    constexpr std::size_t header_room = 16;
    const auto room = MutableBytes{stage}.subspan(header_room, max_carrier_fill);
    while (out.size() >= max_record_wire) {
        std::size_t size = 0;
        auto opcode = WebSocketOpcode::Binary;
        if (pong_) {
            size = pong_->size();
            std::copy(pong_->begin(), pong_->end(), room.begin());
            opcode = WebSocketOpcode::Pong;
            pong_.reset();
        } else {
            if (state_ != State::Open) return false;
            size = user_->carrier_fill(room);
            if (presence.is_over() || size == 0) return false;
            check(size <= room.size());
        }
        if (auto put = put_record(out, opcode, size); !put) return finish(put.error());
    }
    return true;
}

// Wraps the payload, which lies 16 bytes into the stage, and moves it to the front of `out`.
Status SocketCarrier::put_record(MutableBytes& out, WebSocketOpcode opcode,
                                 std::size_t payload_size) {
    auto& stage = loop_.wire_buffers().stage;
    std::size_t begin = 16;
    if (websocket_) {
        std::optional<WebSocketMask> mask;
        if (*websocket_ == WebSocketRole::Client) {
            mask.emplace();
            // Inside TLS nobody between can be misled by what we write (RFC 6455 10.3), and a mask
            // of zero costs nothing.
            if (!tls_) random_.fill(*mask);
            apply_websocket_mask(MutableBytes{stage}.subspan(begin, payload_size), *mask, 0);
        }
        std::array<std::uint8_t, max_websocket_header> header;
        const auto size = put_websocket_header(header, opcode, payload_size, mask);
        begin -= size;
        std::copy_n(header.begin(), size, stage.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    const auto record = Bytes{stage}.subspan(begin, 16 - begin + payload_size);
    if (!tls_) {
        std::copy(record.begin(), record.end(), out.begin());
        out = out.subspan(record.size());
        return Done{};
    }
    TlsWire wire{{}, out};
    auto status = tls_->write(wire, record);
    out = wire.out;
    return status;
}

Status SocketCarrier::put_goodbye(MutableBytes& out) {
    if (websocket_) {
        auto& stage = loop_.wire_buffers().stage;
        stage[16] = 0x03;  // 1000, normal closure (RFC 6455 7.4.1).
        stage[17] = 0xe8;
        if (auto put = put_record(out, WebSocketOpcode::Close, 2); !put) return put;
    }
    if (tls_) {
        TlsWire wire{{}, out};
        tls_->shut_down(wire);
        out = wire.out;
    }
    return Done{};
}

// For a connection that is closed right after: sent only if nothing waits before it.
void SocketCarrier::send_goodbye_at_once() {
    if (!unsent_.empty()) return;
    auto& buffer = loop_.wire_buffers().out;
    MutableBytes out{buffer};
    (void)put_goodbye(out);
    const auto size = buffer.size() - out.size();
    if (size > 0) (void)!send(poll_->fd(), buffer.data(), size, MSG_NOSIGNAL);
}

bool SocketCarrier::send_now(Bytes wire) {
    auto size = send(poll_->fd(), wire.data(), wire.size(), MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        return finish({ErrorCode::System, error_text(errno)});
    }
    if (size < 0) size = 0;
    has_sent(static_cast<std::size_t>(size));
    wire = wire.subspan(static_cast<std::size_t>(size));
    unsent_.assign(wire.begin(), wire.end());
    set_interest();
    return true;
}

bool SocketCarrier::send_unsent() {
    if (unsent_.empty()) return true;
    const auto size = send(poll_->fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (size < 0) {
        if (errno == EAGAIN || errno == EINTR) return true;
        return finish({ErrorCode::System, error_text(errno)});
    }
    has_sent(static_cast<std::size_t>(size));
    unsent_.erase(unsent_.begin(), unsent_.begin() + size);
    if (!unsent_.empty()) return true;
    unsent_ = {};
    set_interest();
    if (state_ == State::Lingering) flushed();
    return true;
}

void SocketCarrier::has_sent(std::size_t bytes) {
    counters_.bytes_out += bytes;
    pace_.sent(bytes, now());
    unsent_limit_.sent(bytes, now());
}

void SocketCarrier::flushed() {
    shutdown(poll_->fd(), SHUT_WR);
    patience_.arm(linger_patience);
}

}  // namespace relay
