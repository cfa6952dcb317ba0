// Strings as ssh writes them: 4 bytes of length, then the bytes (RFC 4251 section 5).
#pragma once

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"

namespace relay {

// Borrowed from the input; empty after a short read.
inline Bytes read_ssh_string(ByteReader& reader) {
    return reader.bytes(reader.u32());
}

inline void write_ssh_string(ByteWriter& writer, Bytes string) {
    writer.u32(static_cast<std::uint32_t>(string.size()));
    writer.bytes(string);
}

constexpr std::size_t ssh_string_size(std::size_t bytes) {
    return 4 + bytes;
}

}  // namespace relay
