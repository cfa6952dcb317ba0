#include "common/crypto/ed25519.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "common/base/check.h"

namespace relay {
namespace {

struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

Key private_key_of(Bytes seed) {
    Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size())};
    check(key != nullptr);
    return key;
}

}  // namespace

bool verify(const PublicKey& key, Bytes message, const Signature& signature) {
    const Key raw{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.bytes.data(), key.bytes.size())};
    const Context context{EVP_MD_CTX_new()};
    check(raw != nullptr && context != nullptr);
    check(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, raw.get()) == 1);
    const bool authentic = EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                                            message.data(), message.size()) == 1;
    // A refusal leaves its reason in the thread's queue, where the next TLS call would find it.
    if (!authentic) ERR_clear_error();
    return authentic;
}

PrivateKey PrivateKey::generate(Random& random) {
    Seed seed;
    random.fill(seed.room());
    return PrivateKey{seed};
}

PrivateKey::PrivateKey(const Seed& seed) : seed_(seed) {
    const Key key = private_key_of(seed_.view());
    std::size_t size = public_key_.bytes.size();
    check(EVP_PKEY_get_raw_public_key(key.get(), public_key_.bytes.data(), &size) == 1);
    check(size == public_key_.bytes.size());
}

Signature PrivateKey::sign(Bytes message) const {
    const Key key = private_key_of(seed_.view());
    const Context context{EVP_MD_CTX_new()};
    check(context != nullptr);
    check(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
    Signature signature;
    std::size_t size = signature.size();
    check(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) ==
          1);
    check(size == signature.size());
    return signature;
}

}  // namespace relay
