// The handshake on a fresh carrier, seen from either end (docs/PROTOCOL.md 3):
//
//     home                                relay
//       Hello (versions, nonce)  ------>
//                                <------  Challenge (version, nonce, relay's key, signature)
//       Proof (name, home's key, session to resume, slot, signature)  ------>
//                                <------  Welcome (session, how long it is kept), or Refusal
//
// A home that was invited proves its invitation's key too, and is welcomed to no session: its key
// is registered, and it dials again without the invitation. A visitor does all that a home does,
// and says that it is one.
//
// Each signature covers a hash of all messages so far and of the TLS channel. The relay proves
// itself first, so that nobody else learns the home's name and key. Deterministic: signing is asked
// for by an event, since a key may live in an agent. Nothing of size is held before the proof.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/transcript.h"
#include "common/session/ids.h"
#include "common/wire/limits.h"

namespace relay {

// The TLS exporter's value (RFC 9266), where TLS is end to end.
using ChannelBinding = std::optional<std::array<std::uint8_t, 32>>;

// Whether a handshake may go without it (PROTOCOL.md 3.2): only where the operator has said so, of
// a proxy that ends TLS.
enum class Unbound : std::uint8_t { Refused, Accepted };

// Sign `message` with the own key, then call provide_signature().
struct SignatureNeeded {
    ByteVector message;
};

// Why a relay turns a home away. On the wire.
enum class RefusalReason : std::uint8_t {
    UnknownKey = 1,   // Nobody has this key.
    NotFromHere = 2,  // The home's key, from an address where it may not be used.
    NoVersion = 3,    // No version of the protocol in common.
    Busy = 4,         // A limit of the relay.
    // To an invited home: its key, or its invitation, is another home's. And to a home whose key
    // is a visitor's, or the other way round.
    OtherHome = 5,
    NotBound = 6,  // TLS is not end to end, and not ended by a proxy that the relay trusts.
    ByRule = 7,    // Known, and not now: a rule of the relay's operator, which the text says.
};

struct Refusal {
    RefusalReason reason;
    std::string text;  // For the home's log; at most wire::refusal_text_max_bytes.
};

struct Welcome {
    SessionId session{};        // All zero for an invited home, and for no other.
    bool resumed = false;       // False: all streams of any former session are gone.
    Duration keep{};            // How long the relay keeps the session without a carrier.
    std::uint16_t version = 0;  // Of the protocol; as whoever dialled hears it.
};

// Who dials.
enum class PeerKind : std::uint8_t { Home, Visitor };
std::string_view name_of(PeerKind kind);

// What the relay knows of a home, or a visitor, after its proof.
struct HomeProof {
    std::string name;  // Wished by the home; the key decides.
    PublicKey key;
    SessionId resume{};     // All zero: none.
    std::uint8_t slot = 0;  // A new carrier replaces the former one of the same slot.
    std::optional<PublicKey> invitation = {};  // Proved as well: it asks to be registered.
    PeerKind kind = PeerKind::Home;
    std::uint16_t version = 0;  // Of the protocol, that both speak.
};

class HomeHandshake {
public:
    struct Options {
        std::string name;
        PublicKey key;
        SessionId resume{};
        std::uint8_t slot = 0;
        ChannelBinding binding;
        std::optional<PrivateKey> invitation = {};  // Register by it; `resume` is zero then.
        PeerKind kind = PeerKind::Home;
        Unbound unbound = Unbound::Refused;
    };
    // The relay owns this key. Call approve_relay() to go on, or give up.
    struct RelayProved {
        PublicKey key;
    };
    using Event = std::variant<RelayProved, SignatureNeeded, Welcome, Refusal>;

    HomeHandshake(Options options, Random& random);

    // Takes handshake frames off the front of `input`; what follows Welcome stays there.
    Status receive(Bytes& input);
    // Copies what is to be sent to `room`; 0: nothing.
    std::size_t transmit(MutableBytes room);
    std::optional<Event> next_event();

    void approve_relay();
    void provide_signature(const Signature& signature);
    bool done() const { return state_ == State::Done; }

private:
    // Hello > Approval > Signing > Verdict > Done
    enum class State { Hello, Approval, Signing, Verdict, Done };

    Status on_challenge(Bytes payload);
    Status heed_relay_proof(const PublicKey& key, const Signature& signature);
    Status on_welcome(Bytes payload);
    Status on_refusal(Bytes payload);

    Options options_;
    Transcript transcript_;
    Transcript unbound_;  // As if there were no binding.
    std::uint16_t version_ = 0;
    State state_ = State::Hello;
    ByteVector proof_;  // Without the home's signature, until that is provided.
    ByteVector output_;
    std::optional<Event> event_;
};

class RelayHandshake {
public:
    struct Options {
        PublicKey key;
        ChannelBinding binding;
        Unbound unbound = Unbound::Refused;
        std::uint16_t version_max = wire::version_max;  // Highest that it speaks.
    };
    using Event = std::variant<SignatureNeeded, HomeProof>;

    RelayHandshake(Options options, Random& random);

    // As HomeHandshake's. After HomeProof call welcome() or refuse().
    Status receive(Bytes& input);
    std::size_t transmit(MutableBytes room);
    std::optional<Event> next_event();

    void provide_signature(const Signature& signature);
    void welcome(const Welcome& welcome);
    void refuse(const Refusal& refusal);
    bool done() const { return state_ == State::Done; }

private:
    // Hello > Signing > Proof > Verdict > Done
    enum class State { Hello, Signing, Proof, Verdict, Done };

    Status on_hello(Bytes payload);
    Status on_proof(Bytes payload);

    Options options_;
    Transcript transcript_;
    std::array<std::uint8_t, wire::nonce_bytes> nonce_;
    std::uint16_t version_ = 0;
    State state_ = State::Hello;
    ByteVector challenge_;  // Without its signature, until that is provided.
    ByteVector output_;
    std::optional<Event> event_;
};

}  // namespace relay
