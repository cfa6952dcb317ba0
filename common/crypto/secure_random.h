// The system's chance, by way of libcrypto's generator.
#pragma once

#include "common/base/random.h"

namespace relay {

class SecureRandom final : public Random {
public:
    // Aborts if the generator has no entropy: nothing may be built on guessable bytes.
    void fill(MutableBytes bytes) override;
};

}  // namespace relay
