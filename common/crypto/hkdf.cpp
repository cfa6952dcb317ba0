#include "common/crypto/hkdf.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/check.h"

namespace relay {
namespace {

Key256 hmac_sha256(Bytes key, Bytes message) {
    Key256 mac;
    unsigned size = 0;
    check(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(),
               message.size(), mac.room().data(), &size) != nullptr);
    check(size == mac.room().size());
    return mac;
}

}  // namespace

Key256 hkdf_extract(Bytes salt, Bytes secret) {
    return hmac_sha256(salt, secret);
}

// One block is all that a key of 32 bytes needs.
Key256 hkdf_expand(Bytes key, std::string_view label, Bytes context) {
    ByteVector info = vector_of(bytes_of(label));
    info.insert(info.end(), context.begin(), context.end());
    info.push_back(1);
    return hmac_sha256(key, info);
}

}  // namespace relay
