// Streams that a visitor seals: whether it does, with whom, and what its connections wait for.
#include <fmt/format.h>

#include "common/crypto/fingerprint.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/forwards/waiting_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

// A connection that was accepted here, while its stream is being sealed, or while it is not known
// what is spoken there.
class VisitorRole::ComingEnd final : public StreamEnd {
public:
    ComingEnd(VisitorRole& role, UniqueFd socket, const Opened& opened, bool sealed)
        : role_(role),
          opened_(opened),
          is_sealed_(sealed),
          socket_(role.context_.loop, role.context_.parking, std::move(socket),
                  [this] { role_.driver_->reset(stream_, ResetReason::PeerReset); }) {}

    void start(StreamId stream) {
        stream_ = stream;
        socket_.watch();
        if (!is_sealed_) return;
        opening_ = role_.seal(stream, opened_, [this] { join(); });
        opening_->start(stream);
    }
    // Nothing may follow what joins, which destroys this.
    void connected() override {
        if (!is_sealed_) join();
    }
    void readable() override {
        if (is_sealed_) return opening_->readable();
        join();
    }
    void writable() override {
        if (is_sealed_) opening_->writable();
    }
    void finished() override {
        if (is_sealed_) return opening_->finished();
        join();
    }
    void closed() override {}
    void reset(ResetReason reason) override {
        if (role_.is_to_speak_ftp(opened_, reason)) {
            role_.streams_.at(stream_).goes_on = true;
            Opened again = opened_;
            again.ftp.kind = FtpPart::Kind::Control;
            return role_.open_patiently(socket_.take(), std::move(again), is_sealed_);
        }
        if (!is_sealed_ || !role_.may_go_unsealed(stream_, opened_.to, reason)) return;
        role_.open(socket_.take(), opened_, /*sealed=*/false);
    }

private:
    void join() {
        if (std::exchange(has_joined_, true)) return;
        role_.connect(stream_, opened_, socket_.take());
    }

    VisitorRole& role_;
    const Opened opened_;
    const bool is_sealed_;
    StreamId stream_{};
    WaitingSocket socket_;
    std::unique_ptr<SealOpening> opening_;
    bool has_joined_ = false;
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

Destination VisitorRole::destination(const Opened& entry, bool sealed) const {
    Destination destination{entry.to.host, entry.to.port, entry.from};
    if (entry.ftp.kind == FtpPart::Kind::Control)
        destination.host = ftp_control_host(entry.to.host);
    if (entry.ftp.kind == FtpPart::Kind::Data) {
        destination.host = ftp_data_host(entry.ftp.control);
        destination.port = entry.ftp.port;
    }
    if (sealed) destination.sealed_for = context_.identity.public_key();
    return destination;
}

std::unique_ptr<SealOpening> VisitorRole::seal(StreamId stream, const Opened& entry,
                                               std::function<void()> sealed) {
    const auto failed = [this, stream](const Error& why) {
        const auto found = streams_.find(stream);
        if (found != streams_.end()) found->second.why = why.text;
        driver_->reset(stream, ResetReason::Unauthentic);
    };
    return std::make_unique<SealOpening>(
        SealOpening::Place{context_.loop, *driver_, context_.random, context_.identity},
        ftp_asked(entry),
        SealOpening::Calls{
            .approve =
                [this, stream, entry](const PublicKey& home, const std::string& target) {
                    return approve(stream, entry, home, target);
                },
            .sealed = std::move(sealed),
            .failed = failed});
}

Status VisitorRole::approve(StreamId stream, const Opened& entry, const PublicKey& home,
                            const std::string& target) {
    if (entry.ftp.kind == FtpPart::Kind::Data) {
        const auto control = driver_->session().info(entry.ftp.control);
        if (control && control->sealed_with == home) return Done{};
        return Error{ErrorCode::Unauthentic,
                     "a data connection of FTP that does not go where its control connection does"};
    }
    const bool is_ftp = entry.ftp.kind == FtpPart::Kind::Control;
    if (is_ftp != target.starts_with("ftp:")) {
        return Error{ErrorCode::Unauthentic, "the home was not asked for what we asked for"};
    }
    const Status approved = trust_.approve(settings_, home_of(entry.to.host), home);
    if (approved) {
        context_.log.debug(fields(), "stream {}: sealed with {}, {}, which dials {}", stream.value,
                           entry.to.host, to_text(fingerprint_of(home)), target);
    }
    return approved;
}

// Of a stream that was reset before it was sealed.
bool VisitorRole::may_go_unsealed(StreamId stream, const HostPort& to, ResetReason reason) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return false;
    if (reason == ResetReason::PeerReset && found->second.why.empty()) {
        found->second.why =
            "the stream was reset before the home had proved its key; its log may say why";
    }
    if (found->second.ftp.kind == FtpPart::Kind::Data) return false;
    if (reason != ResetReason::NotSealed || !driver_ || driver_->session().over()) return false;
    const Status allowed = unsealed_to(to.host);
    if (!allowed) found->second.why = allowed.error().text;
    if (allowed) found->second.goes_on = true;
    return static_cast<bool>(allowed);
}

// What a relay of this version says of a forward that nothing is known of, is waited for.
void VisitorRole::open(UniqueFd socket, Opened entry, bool sealed) {
    const bool is_plain = entry.ftp.kind == FtpPart::Kind::Data || found_ftp_.contains(entry.to) ||
                          relay_version_ < wire::version_ftp;
    if (sealed || !is_plain || entry.ftp.kind == FtpPart::Kind::Control) {
        return open_patiently(std::move(socket), std::move(entry), sealed);
    }
    const auto stream = open_stream({context_.loop, *driver_, context_.parking}, std::move(socket),
                                    destination(entry, /*sealed=*/false));
    if (!stream) return not_opened(entry, stream.error());
    opened(*stream, std::move(entry));
    driver_->settle();
}

void VisitorRole::open_patiently(UniqueFd socket, Opened entry, bool sealed) {
    auto end = std::make_unique<ComingEnd>(*this, std::move(socket), entry, sealed);
    ComingEnd& started = *end;
    const auto stream = driver_->open(destination(entry, sealed), std::move(end));
    if (!stream) return not_opened(entry, stream.error());
    opened(*stream, std::move(entry));
    started.start(*stream);
    driver_->settle();
}

// Bytes may flow; from now on it can outlive this process.
void VisitorRole::connect(StreamId stream, const Opened& entry, UniqueFd socket) {
    const StreamPlace place{context_.loop, *driver_, context_.parking};
    if (entry.ftp.kind != FtpPart::Kind::Control) {
        if (entry.ftp.kind == FtpPart::Kind::None) found_ftp_.try_emplace(entry.to, false);
        return join_stream(place, stream, std::move(socket));
    }
    if (go_on_with_ftp_client(place, ftp_, stream, std::move(socket), ftp_options(entry))) return;
    driver_->reset(stream, ResetReason::Internal);
}

void VisitorRole::not_opened(const Opened& entry, const Error& why) {
    const auto forward = forwards_.find(entry.forward);
    if (forward == forwards_.end()) return;
    ++forward->second->counters().refused;
    visitor_turned_away(entry.forward, entry.from, why.text.c_str());
}

}  // namespace relay
