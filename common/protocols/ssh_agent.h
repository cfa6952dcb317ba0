// The ssh-agent protocol as a client speaks it (draft-ietf-sshm-ssh-agent): which keys are there,
// and one signature. Sans-IO: requests are bytes to be sent, replies are taken from bytes received.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/ed25519.h"

namespace relay {

// The same limit as OpenSSH's, for both directions.
inline constexpr std::size_t max_agent_message_size = 256 * 1024;
inline constexpr std::size_t max_agent_sign_data = 64 * 1024;

struct AgentIdentity {
    PublicKey key;
    std::string comment;
};

struct AgentIdentities {
    std::vector<AgentIdentity> usable;
    std::size_t skipped = 0;  // Keys of other types, and certificates.
};

ByteVector agent_identities_request();

// At most max_agent_sign_data bytes of data.
ByteVector agent_sign_request(const PublicKey& key, Bytes data);

// Takes the first whole reply off the front of `input`: its type and contents, borrowed from it.
// Yields nothing, and leaves `input` alone, while the reply is incomplete.
Result<std::optional<Bytes>> take_agent_reply(Bytes& input);

// Both take what take_agent_reply() yielded. Refused if the agent answered with a failure.
Result<AgentIdentities> parse_agent_identities(Bytes reply);
Result<Signature> parse_agent_signature(Bytes reply);

}  // namespace relay
