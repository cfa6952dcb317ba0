// Public keys as OpenSSH writes them: the wire blob, and the line of a .pub file.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/ed25519.h"

namespace relay {

inline constexpr std::string_view ssh_ed25519 = "ssh-ed25519";
inline constexpr std::size_t max_key_line_size = 8192;

// string "ssh-ed25519", string key (RFC 8709 section 4).
using SshBlob = std::array<std::uint8_t, 4 + 11 + 4 + 32>;

SshBlob ssh_blob_of(const PublicKey& key);

// Unsupported if the blob is well formed and of another type, which the error names.
Result<PublicKey> parse_ssh_blob(Bytes blob);

// What is wrong with a text, and where. Counted from 1; columns are bytes.
struct TextError {
    ErrorCode code;
    std::size_t column;
    std::string text;
};

struct PublicKeyLine {
    PublicKey key;
    std::string comment;  // May be empty.
};

// "ssh-ed25519 AAAA… comment", without an end of line. Options before the type are not understood
// here: see authorized_keys.h.
Result<PublicKeyLine, TextError> parse_public_key_line(std::string_view line);

// Control characters in the comment become '?', so that the line stays one.
std::string public_key_line(const PublicKey& key, std::string_view comment);

// Whether a word can only be meant as the type of an ssh key, known to us or not.
bool is_ssh_key_type(std::string_view word);

// For a key type that relayd cannot use: says so and what to do.
Error unsupported_key_type(std::string_view type);

}  // namespace relay
