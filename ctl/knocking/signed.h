// A signed knock, sent. Nobody answers it.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "daemon/identity/identity.h"

namespace relay {

struct SignedKnocking {
    std::string host;  // A name or an address.
    std::uint16_t port = 0;
    std::string gate;  // Empty: all that the key may open.
};

// The address that it was sent to.
Result<std::string> knock_signed(const SignedKnocking& knocking, const Identity& identity);

}  // namespace relay
