#include "common/crypto/sha256.h"

#include <openssl/evp.h>

#include "common/base/check.h"

namespace relay {

Sha256 sha256(Bytes message) {
    Sha256 digest;
    check(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(),
                     nullptr) == 1);
    return digest;
}

}  // namespace relay
