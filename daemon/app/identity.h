// The own key: made on first start.
#pragma once

#include <string>

#include "common/base/result.h"
#include "daemon/identity/identity.h"

namespace relay {

// With its folder (mode 0700). Leaves a key that is there alone, whatever it is.
Status make_key_if_missing(const std::string& path);
// The key, from the file or from ssh-agent.
Result<Identity> open_identity(const std::string& path);
// What a new key says it belongs to: user@host.
std::string key_comment();

}  // namespace relay
