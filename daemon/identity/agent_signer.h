// Asks a running ssh-agent. Each call connects anew, blocks for at most five seconds and shares
// nothing: for a worker thread.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/protocols/ssh_agent.h"

namespace relay {

// `socket` is the path in SSH_AUTH_SOCK; an empty one is an error that says so.
Result<AgentIdentities> agent_identities(const std::string& socket);

// Refused if the agent does not hold the key; Unauthentic if what it sends does not verify.
Result<Signature> agent_sign(const std::string& socket, const PublicKey& key, Bytes data);

}  // namespace relay
