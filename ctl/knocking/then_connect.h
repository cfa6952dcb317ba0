// What stands behind the gate, once it has been knocked at: as ssh's ProxyCommand wants it.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "daemon/io/unique_fd.h"

namespace relay {

// Tries until it is let in, or `seconds` are over: nobody says when a knock was heard.
Result<UniqueFd> connect_patiently(const std::string& address, std::uint16_t port, int seconds);

// Copies stdin there and what comes from there to stdout, until both have ended.
Status bridge_stdio(const UniqueFd& socket);

}  // namespace relay
