// Private keys in files, with the care that ssh takes of them. Blocking.
#pragma once

#include <string>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/crypto/ssh_key.h"

namespace relay {

// Refused if others than its owner may use the file: it must belong to the caller and have no bits
// for group and world, or belong to root and give the group at most reading. NotFound if there is
// none; else the errors of parse_ssh_private_key() with the path before them.
Result<SshPrivateKey> load_private_key(const std::string& path);

// The public half of a private key file, with or without a passphrase, after the same checks.
Result<PublicKey> load_public_half(const std::string& path);

// Makes a key where there is none: `path` with mode 0600, and `path`.pub with mode 0644.
Result<SshPrivateKey> load_or_create_private_key(const std::string& path, std::string_view comment,
                                                 Random& random);

}  // namespace relay
