// The handshake on a fresh carrier, at either end: frames by common/session/handshake, signatures
// by the identity (on a worker where an agent holds the key), and a deadline over it all.
#pragma once

#include <functional>
#include <memory>
#include <variant>

#include "common/base/random.h"
#include "common/session/handshake.h"
#include "daemon/carriers/door.h"
#include "daemon/identity/identity.h"
#include "daemon/identity/signing.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/io/worker.h"
#include "daemon/sessions/carrier_port.h"

namespace relay {

// The relay's end. `Decide` says what becomes of a home that has proved its key; `on_done` is
// called once, at the end, and may destroy this.
class RelayHandshaker final : public CarrierUser {
public:
    // Somebody else is asked: decided() follows, or the deadline comes.
    struct Later {};
    using Verdict = std::variant<Welcome, Refusal, Later>;
    using Decide = std::function<Verdict(RelayHandshaker&, const HomeProof&, const CarrierInfo&)>;
    // The port of a home that was welcomed to a session; or null, and why.
    struct Outcome {
        std::unique_ptr<CarrierPort> port;
        HomeProof proof;
        Welcome welcome;
        Error failure{ErrorCode::Refused, {}};
    };
    using OnDone = std::function<void(RelayHandshaker&, Outcome)>;

    // `identity` and `random` outlive it.
    RelayHandshaker(Loop& loop, const Identity& identity, Random& random,
                    std::unique_ptr<Carrier> carrier, Admission admission, Decide decide,
                    OnDone on_done);
    void start();
    void decided(const Verdict& verdict);
    const std::string& address() const { return address_; }  // Of whoever is at the other end.

    Status carrier_received(Bytes& input) override;
    std::size_t carrier_fill(MutableBytes room) override;
    void carrier_closed(const Error& why) override;

private:
    void heed_events();
    void decide(const HomeProof& proof);
    void answer(const Verdict& verdict);
    void finish(Outcome outcome);  // Destroys this.

    Loop& loop_;
    const Identity& identity_;
    std::unique_ptr<CarrierPort> port_;
    const std::string address_;
    Admission admission_;  // Until this ends: it is soon after the proof.
    RelayHandshake handshake_;
    Decide decide_;
    OnDone on_done_;
    UvTimer deadline_;
    WorkTicket signing_;
    Outcome outcome_;
    bool welcomed_ = false;
};

// The home's end.
class HomeHandshaker final : public CarrierUser {
public:
    // Whether the relay with this key is the one to be trusted; an error says why not.
    using Approve = std::function<Status(const PublicKey&)>;
    struct Outcome {
        std::unique_ptr<CarrierPort> port;
        std::variant<Welcome, Refusal, Error> answer;
    };
    using OnDone = std::function<void(Outcome)>;
    struct Options {
        std::string name;
        SessionId resume{};
        std::uint8_t slot = 0;
        Duration deadline = std::chrono::seconds(10);
        std::optional<PrivateKey> invitation = {};  // Only register by it: no session.
        PeerKind kind = PeerKind::Home;
    };

    HomeHandshaker(Loop& loop, const Identity& identity, Random& random,
                   std::unique_ptr<Carrier> carrier, const Options& options, Approve approve,
                   OnDone on_done);
    void start();

    Status carrier_received(Bytes& input) override;
    std::size_t carrier_fill(MutableBytes room) override;
    void carrier_closed(const Error& why) override;

private:
    void start_signing(ByteVector message);
    void finish(std::variant<Welcome, Refusal, Error> answer);  // Destroys this.

    Loop& loop_;
    const Identity& identity_;
    std::unique_ptr<CarrierPort> port_;
    HomeHandshake handshake_;
    Approve approve_;
    OnDone on_done_;
    UvTimer deadline_;
    WorkTicket signing_;
    std::optional<Error> failure_;  // Why we closed the carrier ourselves.
};

}  // namespace relay
