#include "common/crypto/secure_random.h"

#include <openssl/rand.h>

#include <limits>

#include "common/base/check.h"

namespace relay {

void SecureRandom::fill(MutableBytes bytes) {
    check(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    check(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

}  // namespace relay
