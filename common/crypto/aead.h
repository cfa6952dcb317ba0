// Authenticated encryption by libcrypto: ChaCha20-Poly1305 (RFC 8439) or AES-256-GCM.
#pragma once

#include <cstdint>
#include <memory>

#include "common/base/bytes.h"

struct evp_cipher_ctx_st;

namespace relay {

// On the wire (PROTOCOL.md 11).
enum class AeadKind : std::uint8_t { ChaCha20Poly1305 = 1, Aes256Gcm = 2 };

// One key, for one direction of use at a time. No number may be used twice to seal with it.
class Aead {
public:
    static constexpr std::size_t key_bytes = 32;
    static constexpr std::size_t tag_bytes = 16;

    Aead(AeadKind kind, Bytes key);

    // `into` has room for `plain` and the tag behind it. The nonce is 4 zero bytes and `number`.
    void seal(std::uint64_t number, Bytes also, Bytes plain, MutableBytes into);
    // `sealed` ends in its tag; `into` has room for what is before it. False: it is not what was
    // sealed, and nothing in `into` is to be used.
    bool open(std::uint64_t number, Bytes also, Bytes sealed, MutableBytes into);

private:
    struct Free {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    using Context = std::unique_ptr<evp_cipher_ctx_st, Free>;

    Context sealing_;
    Context opening_;
};

}  // namespace relay
