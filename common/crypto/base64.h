// Base64 with the standard alphabet (RFC 4648 section 4).
#pragma once

#include <optional>
#include <string>

#include "common/base/bytes.h"

namespace relay {

constexpr std::size_t base64_size(std::size_t bytes) {
    return (bytes + 2) / 3 * 4;
}

// With padding.
std::string base64(Bytes bytes);

// As base64(), into memory of at least base64_size(bytes.size()), so that a secret makes no copies.
void base64_into(Bytes bytes, MutableBytes room);

// Strict: whole groups of four, canonical padding, and no other characters, not even white space.
std::optional<ByteVector> from_base64(std::string_view text);

// As from_base64(), into memory of at least text.size() / 4 * 3; yields how much of it was written.
std::optional<std::size_t> from_base64_into(std::string_view text, MutableBytes room);

}  // namespace relay
