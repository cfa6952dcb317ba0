// SHA-1, for WebSocket's handshake only (RFC 6455 1.3), where nothing rests on its strength.
#pragma once

#include <array>

#include "common/base/bytes.h"

namespace relay {

using Sha1 = std::array<std::uint8_t, 20>;

Sha1 sha1(Bytes message);

}  // namespace relay
