#include "common/wire/control_message.h"

#include "common/base/byte_reader.h"

namespace relay::wire {

namespace {

enum class MessageType : std::uint8_t {
    Open = 1,
    Connected = 2,
    Finish = 3,
    Done = 4,
    Reset = 5,
    OpenFor = 6,
    OpenSealed = 7,
    Forwards = 0x80,
    Forward = 0x81,
    ForwardState = 0x82,
    ForwardsAgain = 0x83,
};

constexpr std::uint8_t ignorable_from = 0x80;
// Of a FORWARD.
constexpr std::uint8_t proxy_protocol_option = 1;
constexpr std::uint8_t ftp_option = 2;
constexpr std::uint8_t refused_tls_option = 4;

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

bool is_known(std::uint8_t type) {
    return type < ignorable_from || (type >= static_cast<std::uint8_t>(MessageType::Forwards) &&
                                     type <= static_cast<std::uint8_t>(MessageType::ForwardsAgain));
}

Result<ControlMessage> parse_open(ByteReader reader, MessageType type) {
    Open open{reader.u64(), reader.u16(), reader.text16(), reader.text16()};
    if (type != MessageType::Open) open.listener = reader.text16();
    if (type == MessageType::OpenSealed) open.sealed_for = reader.bytes(visitor_key_bytes);
    if (!reader.at_end()) return malformed("OPEN of a wrong length");
    if (open.host.empty() || open.host.size() > host_max_bytes || !is_printable(open.host)) {
        return malformed("OPEN with an impossible host");
    }
    if (open.visitor.size() > visitor_max_bytes || !is_printable(open.visitor)) {
        return malformed("OPEN with an impossible visitor");
    }
    if (open.port == 0) return malformed("OPEN with port 0");
    const bool lacks_listener = type == MessageType::OpenFor && open.listener.empty();
    if (lacks_listener || open.listener.size() > visitor_max_bytes ||
        !is_printable(open.listener)) {
        return malformed("OPEN with an impossible listener");
    }
    return ControlMessage{open};
}

Result<ControlMessage> parse_forwards(ByteReader reader) {
    const Forwards forwards{reader.u16()};
    if (!reader.at_end()) return malformed("FORWARDS of a wrong length");
    if (forwards.count > forwards_asked_max) {
        return Error{ErrorCode::TooLarge, "more forwards than a home may ask for"};
    }
    return ControlMessage{forwards};
}

// What a text means, its reader judges; here it is one that can be kept and shown.
Result<ControlMessage> parse_forward(ByteReader reader) {
    Forward forward{};
    forward.port = reader.u16();
    forward.target_port = reader.u16();
    forward.grace_s = reader.u32();
    const std::uint8_t options = reader.u8();
    forward.proxy_protocol = (options & proxy_protocol_option) != 0;
    forward.address = reader.text16();
    forward.target = reader.text16();
    forward.probe = reader.text16();
    if ((options & ftp_option) != 0) {
        FtpWish& ftp = forward.ftp.emplace();
        ftp.refuses_tls = (options & refused_tls_option) != 0;
        ftp.first_data_port = reader.u16();
        ftp.last_data_port = reader.u16();
    }
    if (!reader.at_end()) return malformed("FORWARD of a wrong length");
    if (forward.address.size() > forward_address_max_bytes || !is_printable(forward.address)) {
        return malformed("FORWARD with an impossible address");
    }
    if (forward.target.size() > host_max_bytes || !is_printable(forward.target)) {
        return malformed("FORWARD with an impossible target");
    }
    if (forward.probe.size() > forward_probe_max_bytes || !is_printable(forward.probe)) {
        return malformed("FORWARD with an impossible probe");
    }
    return ControlMessage{forward};
}

Result<ControlMessage> parse_forward_state(ByteReader reader) {
    const std::uint16_t port = reader.u16();
    const std::uint8_t state = reader.u8();
    const std::string_view address = reader.text16();
    const std::string_view why = reader.text16();
    if (!reader.at_end()) return malformed("STATE of a wrong length");
    if (state < 1 || state > 3) return malformed("STATE of an unknown kind");
    if (address.size() > forward_address_max_bytes || !is_printable(address)) {
        return malformed("STATE with an impossible address");
    }
    if (why.size() > forward_why_max_bytes) return malformed("STATE with too long a text");
    return ControlMessage{ForwardState{port, ForwardStateKind{state}, address, why}};
}

Result<ControlMessage> parse_reset(ByteReader reader) {
    const std::uint64_t stream = reader.u64();
    const std::uint8_t reason = reader.u8();
    if (!reader.at_end()) return malformed("RESET of a wrong length");
    // A reason of a later version is still a reset.
    const bool known = reason >= 1 && reason <= static_cast<std::uint8_t>(ResetReason::FtpTooOld);
    return ControlMessage{Reset{stream, known ? ResetReason{reason} : ResetReason::Internal}};
}

Result<ControlMessage> parse(std::uint8_t type, Bytes payload) {
    ByteReader reader{payload};
    switch (MessageType{type}) {
        case MessageType::Open:
        case MessageType::OpenFor:
        case MessageType::OpenSealed: return parse_open(reader, MessageType{type});
        case MessageType::Forwards: return parse_forwards(reader);
        case MessageType::Forward: return parse_forward(reader);
        case MessageType::ForwardState: return parse_forward_state(reader);
        case MessageType::ForwardsAgain:
            if (!reader.at_end()) return malformed("AGAIN of a wrong length");
            return ControlMessage{ForwardsAgain{}};
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
        const bool is_sealed = !open.sealed_for.empty();
        const bool is_for = !open.listener.empty() || is_sealed;
        const std::size_t more = is_for ? 2 + open.listener.size() + open.sealed_for.size() : 0;
        const auto unsealed = is_for ? MessageType::OpenFor : MessageType::Open;
        put_header(writer, is_sealed ? MessageType::OpenSealed : unsealed,
                   14 + open.host.size() + open.visitor.size() + more);
        writer.u64(open.stream);
        writer.u16(open.port);
        writer.text16(open.host);
        writer.text16(open.visitor);
        if (is_for) writer.text16(open.listener);
        writer.bytes(open.sealed_for);
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
    void operator()(const Forwards& forwards) const {
        put_header(writer, MessageType::Forwards, 2);
        writer.u16(forwards.count);
    }
    void operator()(const Forward& forward) const {
        put_header(writer, MessageType::Forward,
                   15 + forward.address.size() + forward.target.size() + forward.probe.size() +
                       (forward.ftp ? 4 : 0));
        writer.u16(forward.port);
        writer.u16(forward.target_port);
        writer.u32(forward.grace_s);
        const bool refuses_tls = forward.ftp && forward.ftp->refuses_tls;
        writer.u8(static_cast<std::uint8_t>((forward.proxy_protocol ? proxy_protocol_option : 0) |
                                            (forward.ftp ? ftp_option : 0) |
                                            (refuses_tls ? refused_tls_option : 0)));
        writer.text16(forward.address);
        writer.text16(forward.target);
        writer.text16(forward.probe);
        if (!forward.ftp) return;
        writer.u16(forward.ftp->first_data_port);
        writer.u16(forward.ftp->last_data_port);
    }
    void operator()(const ForwardState& state) const {
        put_header(writer, MessageType::ForwardState, 7 + state.address.size() + state.why.size());
        writer.u16(state.port);
        writer.u8(static_cast<std::uint8_t>(state.state));
        writer.text16(state.address);
        writer.text16(state.why);
    }
    void operator()(const ForwardsAgain&) const {
        put_header(writer, MessageType::ForwardsAgain, 0);
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
        if (!is_known(type)) {
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
