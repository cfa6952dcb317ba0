// What relayd does with keys, for identity_test.py:
//     show KEY | create KEY COMMENT | sign KEY [AGENT_SOCKET] | agent AGENT_SOCKET
#include <fmt/format.h>

#include <cstdio>
#include <span>

#include "common/crypto/fingerprint.h"
#include "common/crypto/secure_random.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/identity/agent_signer.h"
#include "daemon/identity/identity.h"
#include "daemon/identity/identity_store.h"

namespace {

using namespace relay;

int fail(const Error& error) {
    fmt::print(stderr, "{}\n", error.text);
    return 1;
}

int print_key(const Result<SshPrivateKey>& loaded) {
    if (!loaded) return fail(loaded.error());
    const PublicKey& key = loaded->key.public_key();
    fmt::print("{}\n{}\n", to_text(fingerprint_of(key)), public_key_line(key, loaded->comment));
    return 0;
}

int sign(const std::string& path, const std::string& agent_socket) {
    const auto identity = load_identity(path, agent_socket);
    if (!identity) return fail(identity.error());
    const Bytes message = bytes_of("a message");
    const auto signature = identity->sign(message);
    if (!signature) return fail(signature.error());
    if (!verify(identity->public_key(), message, *signature)) return 1;
    fmt::print("{} by {}\n", to_text(fingerprint_of(identity->public_key())),
               identity->private_key() ? "file" : "agent");
    return 0;
}

int list_agent(const std::string& socket) {
    const auto identities = agent_identities(socket);
    if (!identities) return fail(identities.error());
    for (const AgentIdentity& each : identities->usable) {
        fmt::print("{} {}\n", to_text(fingerprint_of(each.key)), each.comment);
    }
    fmt::print("{} skipped\n", identities->skipped);
    return 0;
}

}  // namespace

int main(int count, char** values) {
    const std::span<char*> arguments{values, static_cast<std::size_t>(count)};
    const auto argument = [&](std::size_t i) {
        return std::string{i < arguments.size() ? arguments[i] : ""};
    };
    const std::string verb = argument(1);
    SecureRandom random;
    if (verb == "show") return print_key(load_private_key(argument(2)));
    if (verb == "create") {
        return print_key(load_or_create_private_key(argument(2), argument(3), random));
    }
    if (verb == "sign") return sign(argument(2), argument(3));
    if (verb == "agent") return list_agent(argument(2));
    return 2;
}
