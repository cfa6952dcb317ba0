// SHA-256 of bytes that are all there.
#pragma once

#include <array>

#include "common/base/bytes.h"

namespace relay {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(Bytes message);

}  // namespace relay
