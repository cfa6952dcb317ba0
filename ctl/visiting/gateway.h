// The machine that visitors come to first: the one this relay runs on, as they call it.
#pragma once

#include <string>
#include <string_view>

#include "common/control/snapshot.h"
#include "ctl/asking.h"

namespace relay {

struct Gateway {
    std::string host;  // Name or address, without user and port.
    std::string jump;  // For ProxyJump: [USER@]HOST[:PORT], as it was said.
    std::string ssh;   // The same as arguments of ssh.
};

// `text` is [USER@]HOST[:PORT].
Gateway gateway_of(std::string_view text);
// As --host says, or else `public:` of the relay's settings. Otherwise it has told what to do.
Result<Gateway, ExitCode> ask_gateway(const Call& call, const std::string& host_option);

// Whether only users of the relay's machine come to a listener: then visitors need ssh to it.
bool is_loopback_listener(std::string_view listen);
// The probe of a forward, by its target's port if nobody chose one: "ssh", "rdp" …
std::string_view probe_of(const ForwardSnapshot& forward);

}  // namespace relay
