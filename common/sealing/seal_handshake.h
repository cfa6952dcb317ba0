// The handshake at the head of a sealed stream, seen from either end (docs/PROTOCOL.md 11):
//
//     visitor                                  home
//       SEAL (ephemeral key, what it asks for)  ------>
//                <------  ANSWER (ephemeral key, [home's key, target, signature])
//       PROOF ([visitor's key, signature])  ------>
//
// A SIGMA with signatures under encryption, as in TLS 1.3: Diffie-Hellman of two ephemeral keys,
// and each side signs all that was said until then. Deterministic: chance is handed in, signing is
// asked for by an event, since a key may live in an agent.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/transcript.h"
#include "common/crypto/x25519.h"
#include "common/sealing/seal_record.h"

namespace relay {

inline constexpr std::size_t seal_message_max_bytes = 1024;
inline constexpr std::size_t seal_target_max_bytes = 320;  // HOST:PORT

// Whether this machine does AES by instructions of its own: else ChaCha20 is faster.
enum class AesSpeed : std::uint8_t { Slow, Fast };

// What both ends have from it.
struct SealKeys {
    AeadKind kind;
    PublicKey peer;
    Key256 out;
    Key256 in;
    std::size_t bytes_out;  // That the handshake's messages took, each way.
    std::size_t bytes_in;
};
SealRecord record_of(const SealKeys& keys);

// Sign `message` with the own key, then call provide_signature().
struct SealSignatureNeeded {
    ByteVector message;
};

class VisitorSeal {
public:
    struct Options {
        PublicKey key;
        std::string asked;  // HOME:PORT, at most seal_target_max_bytes.
        AesSpeed aes = AesSpeed::Slow;
    };
    // The home owns this key, and is about to dial `target`. approve() to go on, or give up.
    struct HomeProved {
        PublicKey key;
        std::string target;
    };

    VisitorSeal(Options options, const X25519Secret& ephemeral);

    // SEAL: what the stream begins with.
    const ByteVector& first() const { return first_; }
    // All that the stream has brought so far. Nothing: not enough.
    Result<std::optional<HomeProved>> heed(Bytes all);
    SealSignatureNeeded approve();
    // PROOF, behind which records follow; and the keys.
    struct Proof {
        ByteVector message;
        SealKeys keys;
    };
    Proof provide_signature(const Signature& signature);

private:
    Options options_;
    X25519Secret ephemeral_;
    ByteVector first_;
    Transcript transcript_;
    Key256 secret_;
    AeadKind kind_{};
    PublicKey home_{};
    std::size_t answer_bytes_ = 0;
};

class HomeSeal {
public:
    struct Options {
        PublicKey key;
        std::string target;  // What is dialled for the stream; at most seal_target_max_bytes.
        AesSpeed aes = AesSpeed::Slow;
    };
    // The visitor owns the key of `keys`.
    struct VisitorProved {
        std::string asked;
        SealKeys keys;
    };
    using Step = std::variant<SealSignatureNeeded, VisitorProved>;

    // With the same `ephemeral`, key and SEAL the answer is the same again.
    HomeSeal(Options options, const X25519Secret& ephemeral);

    // All that the stream has brought so far, from its beginning. Nothing: not enough.
    Result<std::optional<Step>> heed(Bytes all);
    // ANSWER. PROOF is heeded from then on.
    const ByteVector& provide_signature(const Signature& signature);

private:
    Result<std::optional<Step>> heed_first(Bytes all);
    Result<std::optional<Step>> heed_proof(Bytes all);

    Options options_;
    X25519Secret ephemeral_;
    Transcript transcript_;
    Key256 secret_;
    AeadKind kind_{};
    std::string asked_;
    ByteVector answer_;  // Without the part that is sealed, until that is signed.
    std::size_t first_bytes_ = 0;
    bool asked_to_sign_ = false;
    bool answered_ = false;
};

}  // namespace relay
