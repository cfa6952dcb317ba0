#include "common/crypto/sha1.h"

#include <openssl/evp.h>

#include "common/base/check.h"

namespace relay {

Sha1 sha1(Bytes message) {
    Sha1 digest;
    unsigned int size = 0;
    check(EVP_Digest(message.data(), message.size(), digest.data(), &size, EVP_sha1(), nullptr) ==
          1);
    check(size == digest.size());
    return digest;
}

}  // namespace relay
