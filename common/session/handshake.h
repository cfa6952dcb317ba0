// The handshake on a fresh carrier, seen from either end (docs/PROTOCOL.md 3):
//
//     home                                relay
//       Hello (versions, nonce)  ------>
//                                <------  Challenge (version, nonce, relay's key, signature)
//       Proof (name, home's key, session to resume, slot, signature)  ------>
//                                <------  Welcome (session, how long it is kept), or Refusal
//
// A home that was invited proves its invitation's key too, and is welcomed to no session: its key
// is registered, and it dials again without the invitation.
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

namespace relay {

// The TLS exporter's value (RFC 9266), where TLS is end to end.
using ChannelBinding = std::optional<std::array<std::uint8_t, 32>>;

// Sign `message` with the own key, then call provide_signature().
struct SignatureNeeded {
    ByteVector message;
};

// Why a relay turns a home away. On the wire.
enum class RefusalReason : std::uint8_t {
    UnknownKey = 1,   // No home has this key.
    NotFromHere = 2,  // The home's key, from an address where it may not be used.
    NoVersion = 3,    // No version of the protocol in common.
    Busy = 4,         // A limit of the relay.
    OtherHome = 5,    // To an invited home: its key, or its invitation, is another home's.
};

struct Refusal {
    RefusalReason reason;
    std::string text;  // For the home's log; at most wire::refusal_text_max_bytes.
};

struct Welcome {
    SessionId session{};   // All zero for an invited home, and for no other.
    bool resumed = false;  // False: all streams of any former session are gone.
    Duration keep{};       // How long the relay keeps the session without a carrier.
};

// What the relay knows of a home after its proof.
struct HomeProof {
    std::string name;  // Wished by the home; the key decides.
    PublicKey key;
    SessionId resume{};     // All zero: none.
    std::uint8_t slot = 0;  // A new carrier replaces the former one of the same slot.
    std::optional<PublicKey> invitation = {};  // Proved as well: it asks to be registered.
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
    Status on_welcome(Bytes payload);
    Status on_refusal(Bytes payload);

    Options options_;
    Transcript transcript_;
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
    State state_ = State::Hello;
    ByteVector challenge_;  // Without its signature, until that is provided.
    ByteVector output_;
    std::optional<Event> event_;
};

}  // namespace relay
