// Frames, as a carrier's byte stream is cut (docs/PROTOCOL.md 2): type:1 length:2 payload:length.
#pragma once

#include <optional>

#include "common/base/byte_writer.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/wire/limits.h"

namespace relay::wire {

enum class FrameType : std::uint8_t {
    Hello = 0x01,
    Challenge = 0x02,
    Proof = 0x03,
    Welcome = 0x04,
    Refusal = 0x05,
    Data = 0x10,
    Ack = 0x11,
    Rewind = 0x12,
    Resumed = 0x13,
    Ping = 0x14,
    Pong = 0x15,
    Bye = 0x16,
};

struct Frame {
    FrameType type;
    Bytes payload;  // Borrowed from the input.
};

// Takes the first frame of a known type off the front of `input`; unknown ones from 0x80 up are
// skipped. Yields nothing, and leaves `input` alone, while that frame is still incomplete.
Result<std::optional<Frame>> take_frame(Bytes& input);

struct Data {
    std::uint64_t stream;
    std::uint64_t offset;
    Bytes bytes;  // Borrowed.
};

struct Ack {
    std::uint64_t stream;
    std::uint64_t offset;
    std::uint32_t window;
};

struct Rewind {
    std::uint64_t stream;
    std::uint64_t offset;
};

// The lengths of whole frames.
inline constexpr std::size_t data_frame_min_bytes = frame_header_bytes + data_header_bytes + 1;
inline constexpr std::size_t ack_frame_bytes = frame_header_bytes + 20;
inline constexpr std::size_t rewind_frame_bytes = frame_header_bytes + 16;
inline constexpr std::size_t ping_frame_bytes = frame_header_bytes + 8;

Result<Data> parse_data(Bytes payload);
Result<Ack> parse_ack(Bytes payload);
Result<Rewind> parse_rewind(Bytes payload);
Result<std::uint64_t> parse_token(Bytes payload);

void put_frame(ByteWriter& writer, FrameType type, Bytes payload);
// Only the header: exactly `length` payload bytes follow.
void put_frame_header(ByteWriter& writer, FrameType type, std::size_t length);
// The bytes come in two pieces, as a ring has them.
void put_data(ByteWriter& writer, std::uint64_t stream, std::uint64_t offset, Bytes first,
              Bytes second);
void put_ack(ByteWriter& writer, const Ack& ack);
void put_rewind(ByteWriter& writer, const Rewind& rewind);
void put_token(ByteWriter& writer, FrameType type, std::uint64_t token);

}  // namespace relay::wire
