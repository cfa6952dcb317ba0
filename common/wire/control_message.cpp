#include "common/wire/control_message.h"

#include "common/base/byte_reader.h"

namespace relay::wire {

namespace {

enum class MessageType : std::uint8_t { Open = 1, Connected = 2, Finish = 3, Done = 4, Reset = 5 };

constexpr std::uint8_t ignorable_from = 0x80;

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

bool is_printable(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) == 0x7f) {
            return false;
        }
    }
    return true;
}

Result<ControlMessage> parse_open(ByteReader reader) {
    Open open{reader.u64(), reader.u16(), reader.text16(), reader.text16()};
    if (!reader.at_end()) return malformed("OPEN of a wrong length");
    if (open.host.empty() || open.host.size() > host_max_bytes || !is_printable(open.host)) {
        return malformed("OPEN with an impossible host");
    }
    if (open.visitor.size() > visitor_max_bytes || !is_printable(open.visitor)) {
        return malformed("OPEN with an impossible visitor");
    }
    if (open.port == 0) return malformed("OPEN with port 0");
    return ControlMessage{open};
}

Result<ControlMessage> parse_reset(ByteReader reader) {
    const std::uint64_t stream = reader.u64();
    const std::uint8_t reason = reader.u8();
    if (!reader.at_end()) return malformed("RESET of a wrong length");
    // A reason of a later version is still a reset.
    const bool known = reason >= 1 && reason <= static_cast<std::uint8_t>(ResetReason::Internal);
    return ControlMessage{Reset{stream, known ? ResetReason{reason} : ResetReason::Internal}};
}

Result<ControlMessage> parse(std::uint8_t type, Bytes payload) {
    ByteReader reader{payload};
    switch (MessageType{type}) {
        case MessageType::Open: return parse_open(reader);
        case MessageType::Reset: return parse_reset(reader);
        case MessageType::Connected: {
            const Connected connected{reader.u64()};
            if (!reader.at_end()) return malformed("CONNECTED of a wrong length");
            return ControlMessage{connected};
        }
        case MessageType::Finish: {
            const Finish finish{reader.u64(), reader.u64()};
            if (!reader.at_end()) return malformed("FINISH of a wrong length");
            return ControlMessage{finish};
        }
        case MessageType::Done: {
            const DoneMessage done{reader.u64()};
            if (!reader.at_end()) return malformed("DONE of a wrong length");
            return ControlMessage{done};
        }
    }
    return malformed("unknown control message");
}

void put_header(ByteWriter& writer, MessageType type, std::size_t length) {
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u16(static_cast<std::uint16_t>(length));
}

struct Putter {
    ByteWriter& writer;

    void operator()(const Open& open) const {
        put_header(writer, MessageType::Open, 14 + open.host.size() + open.visitor.size());
        writer.u64(open.stream);
        writer.u16(open.port);
        writer.text16(open.host);
        writer.text16(open.visitor);
    }
    void operator()(const Connected& connected) const {
        put_header(writer, MessageType::Connected, 8);
        writer.u64(connected.stream);
    }
    void operator()(const Finish& finish) const {
        put_header(writer, MessageType::Finish, 16);
        writer.u64(finish.stream);
        writer.u64(finish.offset);
    }
    void operator()(const DoneMessage& done) const {
        put_header(writer, MessageType::Done, 8);
        writer.u64(done.stream);
    }
    void operator()(const Reset& reset) const {
        put_header(writer, MessageType::Reset, 9);
        writer.u64(reset.stream);
        writer.u8(static_cast<std::uint8_t>(reset.reason));
    }
};

}  // namespace

Result<std::optional<ControlMessage>> take_control_message(Bytes& input) {
    for (;;) {
        ByteReader reader{input};
        const std::uint8_t type = reader.u8();
        const std::uint16_t length = reader.u16();
        if (!reader.ok()) return std::optional<ControlMessage>{};
        if (length > control_message_max_bytes) {
            return Error{ErrorCode::TooLarge, "control message over its limit"};
        }
        const Bytes payload = reader.bytes(length);
        if (!reader.ok()) return std::optional<ControlMessage>{};
        if (type >= ignorable_from) {
            input = reader.rest();
            continue;
        }
        auto message = parse(type, payload);
        if (!message) return message.error();
        input = reader.rest();
        return std::optional{*message};
    }
}

void put_control_message(ByteWriter& writer, const ControlMessage& message) {
    std::visit(Putter{writer}, message);
}

}  // namespace relay::wire
