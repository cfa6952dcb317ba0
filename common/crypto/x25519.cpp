#include "common/crypto/x25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "common/base/check.h"

namespace relay {
namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free>;

Key private_key_of(const X25519Secret& own) {
    const Bytes bytes = own.view();
    Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes.data(), bytes.size())};
    check(key != nullptr);
    return key;
}

}  // namespace

X25519Public x25519_public_of(const X25519Secret& own) {
    X25519Public shown;
    std::size_t size = shown.size();
    check(EVP_PKEY_get_raw_public_key(private_key_of(own).get(), shown.data(), &size) == 1);
    check(size == shown.size());
    return shown;
}

std::optional<SecretArray<32>> x25519_shared(const X25519Secret& own, const X25519Public& peer) {
    const Key key = private_key_of(own);
    const Key other{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size())};
    check(other != nullptr);
    const Context context{EVP_PKEY_CTX_new(key.get(), nullptr)};
    check(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
    SecretArray<32> shared;
    std::size_t size = shared.room().size();
    const bool is_good = EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1 &&
                         EVP_PKEY_derive(context.get(), shared.room().data(), &size) == 1;
    // A refusal leaves its reason in the thread's queue, where the next TLS call would find it.
    if (!is_good) ERR_clear_error();
    if (!is_good || size != shared.room().size()) return std::nullopt;
    return shared;
}

}  // namespace relay
