// The other ways in: SOCKS5, by which whoever connects names the home, and standard input.
#include <fmt/format.h>
#include <sys/socket.h>

#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/stream_pump.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

namespace {

constexpr std::size_t socks_most = 256;  // That have not asked yet.
constexpr Duration socks_patience = std::chrono::seconds(10);
constexpr Duration stdio_patience = std::chrono::seconds(60);

Socks5Reply reply_for(ResetReason reason) {
    switch (reason) {
        case ResetReason::NotAllowed:
        case ResetReason::SpeaksFtp: return Socks5Reply::NotAllowed;
        case ResetReason::TargetRefused: return Socks5Reply::Refused;
        case ResetReason::TargetUnreachable:
        case ResetReason::TargetUnknown: return Socks5Reply::HostUnreachable;
        case ResetReason::PeerReset:
        case ResetReason::LimitReached:
        case ResetReason::ClosedByOperator:
        case ResetReason::SessionEnded:
        case ResetReason::Internal:
        case ResetReason::NotSealed:
        case ResetReason::Unauthentic:
        case ResetReason::SpeaksNoFtp:
        case ResetReason::FtpTooOld: break;
    }
    return Socks5Reply::Failure;
}

void say_and_close(Parking& parking, UniqueFd socket, Socks5Reply reply) {
    (void)send_at_once(socket.get(), socks5_reply(reply));
    (void)::shutdown(socket.get(), SHUT_RDWR);
    parking.unpark(socket.get());
}

}  // namespace

// The end of a stream whose client waits for an answer.
class VisitorRole::SocksEnd final : public StreamEnd {
public:
    SocksEnd(VisitorRole& role, UniqueFd socket, const Opened& opened)
        : role_(role), socket_(std::move(socket)), opened_(opened) {}
    ~SocksEnd() override {
        if (socket_) end_parked(role_.context_.parking, std::move(socket_));
    }

    void start(StreamId stream, bool sealed) {
        stream_ = stream;
        if (!sealed) return;
        opening_ = role_.seal(stream, opened_,
                              [this] { role_.socks_connected(stream_, std::move(socket_)); });
        opening_->start(stream);
    }
    void connected() override {
        if (!opening_) role_.socks_connected(stream_, std::move(socket_));
    }
    void readable() override {
        if (opening_) opening_->readable();
    }
    void writable() override {
        if (opening_) opening_->writable();
    }
    void finished() override {
        if (opening_) opening_->finished();
    }
    void closed() override {}
    void reset(ResetReason reason) override {
        if (!socket_) return;
        if (opening_ && role_.may_go_unsealed(stream_, opened_.to, reason)) {
            return role_.open_socks(std::move(socket_), opened_, /*sealed=*/false);
        }
        say_and_close(role_.context_.parking, std::move(socket_), reply_for(reason));
    }

private:
    VisitorRole& role_;
    UniqueFd socket_;
    const Opened opened_;
    StreamId stream_{};
    std::unique_ptr<SealOpening> opening_;  // Null: the stream is not sealed.
};

void VisitorRole::socks_came(ForwardId id, Accepted visitor) {
    if (socks_.size() >= socks_most) {
        end_parked(context_.parking, std::move(visitor.fd));
        return visitor_turned_away(id, visitor.peer_address, "too many speak SOCKS5 at once");
    }
    const auto place = socks_.insert(socks_.end(), nullptr);
    *place = std::make_unique<SocksVisitor>(
        context_.loop, std::move(visitor.fd), socks_patience,
        [this, place, id, from = visitor.peer_address](UniqueFd socket,
                                                       std::optional<HostPort> asked) {
            socks_done_.splice(socks_done_.end(), socks_, place);
            sweep_.schedule();
            if (asked) return socks_asked(id, from, std::move(socket), *asked);
            (void)::shutdown(socket.get(), SHUT_RDWR);
            context_.parking.unpark(socket.get());
        });
}

void VisitorRole::socks_asked(ForwardId id, std::string from, UniqueFd socket, const HostPort& to) {
    if (!driver_) {
        return say_and_close(context_.parking, std::move(socket), Socks5Reply::HostUnreachable);
    }
    Opened entry{id, to, std::move(from), now()};
    const auto sealed = seals(to.host);
    if (!sealed) {
        say_and_close(context_.parking, std::move(socket), Socks5Reply::NotAllowed);
        return not_opened(entry, sealed.error());
    }
    open_socks(std::move(socket), std::move(entry), *sealed);
}

void VisitorRole::open_socks(UniqueFd socket, Opened entry, bool sealed) {
    auto end = std::make_unique<SocksEnd>(*this, std::move(socket), entry);
    SocksEnd& waiting = *end;
    const auto stream = driver_->open(destination(entry, sealed), std::move(end));
    if (!stream) return not_opened(entry, stream.error());
    opened(*stream, std::move(entry));
    waiting.start(*stream, sealed);
    driver_->settle();
}

// From here on it is a stream like any other: what was said before is not of its bytes.
void VisitorRole::socks_connected(StreamId stream, UniqueFd socket) {
    if (!send_at_once(socket.get(), socks5_reply(Socks5Reply::Succeeded))) {
        end_parked(context_.parking, std::move(socket));
        return driver_->reset(stream, ResetReason::PeerReset);
    }
    driver_->session().set_socket(stream, note_of_socket(socket.get(), context_.parking));
    auto pump =
        std::make_unique<StreamPump>(context_.loop, std::move(socket), *driver_, context_.parking);
    pump->start(stream);
    driver_->adopt(stream, std::move(pump));
}

Status VisitorRole::open_stdio() {
    auto bridge = StdioBridge::open(context_.loop, [this] {
        output_over_ = true;
        end_stdio_if_over();
    });
    if (!bridge) return bridge.error();
    stdio_ = std::move(*bridge);
    stdio_patience_.arm(stdio_patience);
    return Done{};
}

// Tells how its stream ends.
class VisitorRole::StdioEnd final : public StreamEnd {
public:
    StdioEnd(VisitorRole& role, UniqueFd socket) : role_(role), socket_(std::move(socket)) {}

    void start(StreamId stream, bool sealed) {
        stream_ = stream;
        if (!sealed) return flow();
        opening_ = role_.seal(stream, role_.streams_.at(stream), [this] { flow_sealed(); });
        opening_->start(stream);
    }
    void readable() override {
        if (pump_) return pump_->readable();
        if (opening_) opening_->readable();
    }
    void writable() override {
        if (pump_) return pump_->writable();
        if (opening_) opening_->writable();
    }
    void finished() override {
        if (pump_) return pump_->finished();
        if (opening_) opening_->finished();
    }
    void closed() override {
        if (pump_) pump_->closed();
        role_.stdio_over(0);
    }
    void reset(ResetReason reason) override {
        if (!pump_ && role_.may_go_unsealed(stream_, *role_.settings_.stdio, reason)) {
            return role_.open_stdio_stream(std::move(socket_), /*sealed=*/false);
        }
        if (pump_) pump_->reset(reason);
        socket_ = UniqueFd{};
        role_.stdio_over(1);
    }

private:
    void flow() {
        pump_ = std::make_unique<StreamPump>(role_.context_.loop, std::move(socket_),
                                             *role_.driver_, parking_);
        pump_->start(stream_);
    }
    void flow_sealed() {
        flow();
        pump_->readable();  // Records may have come behind the answer.
        role_.driver_->settle();
    }

    VisitorRole& role_;
    Parking parking_;  // Keeps nothing.
    UniqueFd socket_;  // Until there is a pump.
    StreamId stream_{};
    std::unique_ptr<SealOpening> opening_;
    std::unique_ptr<StreamPump> pump_;
};

void VisitorRole::stdio_ready() {
    if (!stdio_ || std::exchange(stdio_opened_, true)) return;
    stdio_patience_.disarm();
    const auto sealed = seals(settings_.stdio->host);
    if (!sealed) return give_up_stdio(sealed.error().text);
    open_stdio_stream(stdio_->take_socket(), *sealed);
}

void VisitorRole::open_stdio_stream(UniqueFd socket, bool sealed) {
    auto end = std::make_unique<StdioEnd>(*this, std::move(socket));
    StdioEnd& started = *end;
    const HostPort& to = *settings_.stdio;
    const Opened entry{ForwardId{}, to, "stdio", now()};
    const auto stream = driver_->open(destination(entry, sealed), std::move(end));
    if (!stream) return give_up_stdio(stream.error().text);
    opened(*stream, entry);
    started.start(*stream, sealed);
    driver_->settle();
}

void VisitorRole::give_up_stdio(const std::string& why) {
    stdio_opened_ = false;
    refused(why);
}

void VisitorRole::stdio_over(int code) {
    stdio_code_ = code;
    end_stdio_if_over();
}

// The last bytes are written out first.
void VisitorRole::end_stdio_if_over() {
    if (!stdio_code_ || !output_over_) return;
    wind_down([this] { end(*stdio_code_); });
}

// Whoever waits for one stream is told at once; others are patient.
void VisitorRole::refused(const std::string& why) {
    if (!stdio_ || stdio_opened_) return;
    context_.log.error(with_id(fields(), message_id::target_not_reached), "{}: {}",
                       to_text(*settings_.stdio), why);
    end(1);
}

}  // namespace relay
