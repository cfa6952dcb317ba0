// Chance as something handed in: the system's in the daemon, a seeded one in tests.
#pragma once

#include "common/base/bytes.h"

namespace relay {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(MutableBytes bytes) = 0;

    std::uint64_t u64() {
        std::uint8_t raw[8];
        fill(raw);
        std::uint64_t value = 0;
        for (const std::uint8_t byte : raw) value = value << 8 | byte;
        return value;
    }
};

}  // namespace relay
