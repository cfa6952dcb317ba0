// Streams that a visitor seals: whether it does, with whom, and what its connections wait for.
#include <fmt/format.h>

#include "common/crypto/fingerprint.h"
#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/forwards/stream_pump.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

// A connection that was accepted here, while its stream is being sealed. Nothing is read from it:
// if this process is killed, it comes again by the next one.
class VisitorRole::SealedEnd final : public StreamEnd {
public:
    SealedEnd(VisitorRole& role, UniqueFd socket, const Opened& opened)
        : role_(role),
          opened_(opened),
          poll_(role.context_.loop, std::move(socket), [this](PollEvents) { broken(); }) {}
    ~SealedEnd() override {
        if (!is_mine_) return;
        abort_connection(poll_.fd());
        role_.context_.parking.unpark(poll_.fd());
    }

    void start(StreamId stream) {
        stream_ = stream;
        opening_ = role_.seal(stream, opened_.to, [this] { sealed(); });
        opening_->start(stream);
        poll_.set_interest({.broken = true});
    }
    void readable() override { opening_->readable(); }
    void writable() override { opening_->writable(); }
    void finished() override { opening_->finished(); }
    void closed() override {}
    void reset(ResetReason reason) override {
        if (!role_.may_go_unsealed(stream_, opened_.to, reason)) return;
        role_.open_unsealed(take(), opened_);
    }

private:
    void broken() {
        if (socket_is_dead(poll_.fd())) {
            role_.driver_->reset(stream_, ResetReason::PeerReset);
        } else {
            poll_.set_interest({});
        }
    }
    UniqueFd take() {
        is_mine_ = false;
        return poll_.take_fd();
    }
    // From now on it can outlive this process.
    void sealed() {
        UniqueFd socket = take();
        SessionDriver& driver = *role_.driver_;
        Parking& parking = role_.context_.parking;
        driver.session().set_socket(stream_, note_of_socket(socket.get(), parking));
        auto pump =
            std::make_unique<StreamPump>(role_.context_.loop, std::move(socket), driver, parking);
        pump->start(stream_);
        driver.adopt(stream_, std::move(pump));
    }

    VisitorRole& role_;
    const Opened opened_;
    StreamId stream_{};
    Poll poll_;
    std::unique_ptr<SealOpening> opening_;
    bool is_mine_ = true;  // The socket.
};

// An error says why nothing is to be opened to that home.
Result<bool> VisitorRole::seals(const std::string& host) const {
    if (settings_.end_to_end == EndToEnd::Off) return false;
    if (relay_version_ >= wire::version_sealed) return true;
    if (const auto unsealed = unsealed_to(host); !unsealed) return unsealed.error();
    return false;
}

// Whoever has shown its key once is held to it: else a relay had only to say that it cannot.
Status VisitorRole::unsealed_to(const std::string& host) const {
    const std::string home = home_of(host);
    const auto insist = [&](const char* why) {
        return Error{ErrorCode::Refused,
                     fmt::format("there is no end-to-end encryption with {}, and {}: nothing is "
                                 "sent; if that is right, use --no-end-to-end",
                                 home, why)};
    };
    if (settings_.end_to_end == EndToEnd::Required) return insist("it is required");
    const auto known = trust_.knows(settings_, home);
    if (!known) return known.error();
    if (*known) return insist("its key is known, so there was or should be");
    return Done{};
}

Destination VisitorRole::destination(const HostPort& to, const std::string& from,
                                     bool sealed) const {
    Destination destination{to.host, to.port, from};
    if (sealed) destination.sealed_for = context_.identity.public_key();
    return destination;
}

std::unique_ptr<SealOpening> VisitorRole::seal(StreamId stream, const HostPort& to,
                                               std::function<void()> sealed) {
    const auto approve = [this, stream, to](const PublicKey& home, const std::string& target) {
        const Status approved = trust_.approve(settings_, home_of(to.host), home);
        if (approved) {
            context_.log.debug(fields(), "stream {}: sealed with {}, {}, which dials {}",
                               stream.value, to.host, to_text(fingerprint_of(home)), target);
        }
        return approved;
    };
    const auto failed = [this, stream](const Error& why) {
        const auto found = streams_.find(stream);
        if (found != streams_.end()) found->second.why = why.text;
        driver_->reset(stream, ResetReason::Unauthentic);
    };
    return std::make_unique<SealOpening>(
        SealOpening::Place{context_.loop, *driver_, context_.random, context_.identity},
        to_text(to),
        SealOpening::Calls{.approve = approve, .sealed = std::move(sealed), .failed = failed});
}

// Of a stream that was reset before it was sealed.
bool VisitorRole::may_go_unsealed(StreamId stream, const HostPort& to, ResetReason reason) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return false;
    if (reason == ResetReason::PeerReset && found->second.why.empty()) {
        found->second.why =
            "the stream was reset before the home had proved its key; its log may say why";
    }
    if (reason != ResetReason::NotSealed || !driver_ || driver_->session().over()) return false;
    const Status allowed = unsealed_to(to.host);
    if (!allowed) found->second.why = allowed.error().text;
    if (allowed) found->second.goes_on = true;
    return static_cast<bool>(allowed);
}

void VisitorRole::open_sealed(UniqueFd socket, Opened entry) {
    auto end = std::make_unique<SealedEnd>(*this, std::move(socket), entry);
    SealedEnd& started = *end;
    const auto stream =
        driver_->open(destination(entry.to, entry.from, /*sealed=*/true), std::move(end));
    if (!stream) return not_opened(entry, stream.error());
    opened(*stream, std::move(entry));
    started.start(*stream);
    driver_->settle();
}

void VisitorRole::open_unsealed(UniqueFd socket, Opened entry) {
    const auto stream = open_stream({context_.loop, *driver_, context_.parking}, std::move(socket),
                                    destination(entry.to, entry.from, /*sealed=*/false));
    if (!stream) return not_opened(entry, stream.error());
    opened(*stream, std::move(entry));
    driver_->settle();
}

void VisitorRole::not_opened(const Opened& entry, const Error& why) {
    const auto forward = forwards_.find(entry.forward);
    if (forward == forwards_.end()) return;
    ++forward->second->counters().refused;
    visitor_turned_away(entry.forward, entry.from, why.text.c_str());
}

}  // namespace relay
