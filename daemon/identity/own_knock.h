// A signed knock of ours, made now.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/result.h"
#include "daemon/identity/identity.h"

namespace relay {

// `gate`: empty for all that the key may open. Good once, and for a minute. Blocks as sign() does.
Result<ByteVector> own_knock(const Identity& identity, Random& random,
                             const std::string& gate = {});

}  // namespace relay
