#include "common/wire/frame.h"

#include "common/base/byte_reader.h"

namespace relay::wire {

namespace {

constexpr std::uint8_t ignorable_from = 0x80;

bool is_known(std::uint8_t type) {
    return (type >= 0x01 && type <= 0x05) || (type >= 0x10 && type <= 0x16);
}

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

}  // namespace

Result<std::optional<Frame>> take_frame(Bytes& input) {
    for (Bytes ahead = input;;) {
        ByteReader reader{ahead};
        const std::uint8_t type = reader.u8();
        const std::uint16_t length = reader.u16();
        if (!reader.ok()) return std::optional<Frame>{};

        // Checked before the payload is awaited, so a hostile length cannot make us buffer it.
        if (!is_known(type) && type < ignorable_from) return malformed("unknown frame type");
        if (length > frame_payload_max_bytes) {
            return Error{ErrorCode::TooLarge, "frame payload over its limit"};
        }
        const Bytes payload = reader.bytes(length);
        if (!reader.ok()) return std::optional<Frame>{};
        ahead = reader.rest();
        input = ahead;
        if (is_known(type)) return std::optional{Frame{FrameType{type}, payload}};
    }
}

Result<Data> parse_data(Bytes payload) {
    ByteReader reader{payload};
    const std::uint64_t stream = reader.u64();
    const std::uint64_t offset = reader.u64();
    if (!reader.ok() || reader.rest().empty()) return malformed("DATA without bytes");
    if (offset + reader.rest().size() < offset) return malformed("DATA past the last offset");
    return Data{stream, offset, reader.rest()};
}

Result<Ack> parse_ack(Bytes payload) {
    ByteReader reader{payload};
    const Ack ack{reader.u64(), reader.u64(), reader.u32()};
    if (!reader.at_end()) return malformed("ACK of a wrong length");
    return ack;
}

Result<Rewind> parse_rewind(Bytes payload) {
    ByteReader reader{payload};
    const Rewind rewind{reader.u64(), reader.u64()};
    if (!reader.at_end()) return malformed("REWIND of a wrong length");
    return rewind;
}

Result<std::uint64_t> parse_token(Bytes payload) {
    ByteReader reader{payload};
    const std::uint64_t token = reader.u64();
    if (!reader.at_end()) return malformed("PING or PONG of a wrong length");
    return token;
}

void put_frame(ByteWriter& writer, FrameType type, Bytes payload) {
    put_frame_header(writer, type, payload.size());
    writer.bytes(payload);
}

void put_frame_header(ByteWriter& writer, FrameType type, std::size_t length) {
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u16(static_cast<std::uint16_t>(length));
}

void put_data(ByteWriter& writer, std::uint64_t stream, std::uint64_t offset, Bytes first,
              Bytes second) {
    put_frame_header(writer, FrameType::Data, data_header_bytes + first.size() + second.size());
    writer.u64(stream);
    writer.u64(offset);
    writer.bytes(first);
    writer.bytes(second);
}

void put_ack(ByteWriter& writer, const Ack& ack) {
    put_frame_header(writer, FrameType::Ack, 20);
    writer.u64(ack.stream);
    writer.u64(ack.offset);
    writer.u32(ack.window);
}

void put_rewind(ByteWriter& writer, const Rewind& rewind) {
    put_frame_header(writer, FrameType::Rewind, 16);
    writer.u64(rewind.stream);
    writer.u64(rewind.offset);
}

void put_token(ByteWriter& writer, FrameType type, std::uint64_t token) {
    put_frame_header(writer, type, 8);
    writer.u64(token);
}

}  // namespace relay::wire
