// OpenSSH's private key files: the text between -----BEGIN OPENSSH PRIVATE KEY----- and its end
// (PROTOCOL.key of OpenSSH). Only one ed25519 key without a passphrase can be read or written.
#pragma once

#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/secret.h"

namespace relay {

inline constexpr std::size_t max_private_key_text_size = 64 * 1024;

struct SshPrivateKey {
    PrivateKey key;
    std::string comment;
};

// Unsupported if the key has a passphrase, or another type or format; the text says what to do.
Result<SshPrivateKey> parse_ssh_private_key(std::string_view text);

// The public half, which is readable in protected files too.
Result<PublicKey> public_key_in_private_file(std::string_view text);

// A whole file, as ssh-keygen -t ed25519 writes it. `random` fills the check numbers. The comment
// is at most 1024 bytes.
SecretBytes ssh_private_key_text(const PrivateKey& key, std::string_view comment, Random& random);

}  // namespace relay
