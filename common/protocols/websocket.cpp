#include "common/protocols/websocket.h"

#include <algorithm>
#include <cstring>

#include "common/base/check.h"

namespace relay {

namespace {

constexpr std::uint8_t final_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t mask_bit = 0x80;

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

std::uint64_t big_endian(Bytes digits) {
    std::uint64_t value = 0;
    for (const std::uint8_t digit : digits) value = value << 8 | digit;
    return value;
}

std::size_t length_digits(std::uint8_t short_length) {
    if (short_length == 126) return 2;
    return short_length == 127 ? 8 : 0;
}

}  // namespace

std::size_t websocket_header_size(std::size_t payload_size, WebSocketRole sender) {
    const std::size_t digits = payload_size <= 125 ? 0 : payload_size <= 0xffff ? 2 : 8;
    return 2 + digits + (sender == WebSocketRole::Client ? 4 : 0);
}

std::size_t put_websocket_header(MutableBytes room, WebSocketOpcode opcode,
                                 std::size_t payload_size,
                                 const std::optional<WebSocketMask>& mask) {
    check(room.size() >= max_websocket_header);
    const std::size_t digits = payload_size <= 125 ? 0 : payload_size <= 0xffff ? 2 : 8;
    const auto short_length = digits == 0   ? static_cast<std::uint8_t>(payload_size)
                              : digits == 2 ? std::uint8_t{126}
                                            : std::uint8_t{127};
    room[0] = static_cast<std::uint8_t>(final_bit | static_cast<std::uint8_t>(opcode));
    room[1] = static_cast<std::uint8_t>(short_length | (mask ? mask_bit : 0));
    std::size_t size = 2;
    for (std::size_t i = digits; i > 0; --i) {
        room[size++] = static_cast<std::uint8_t>(std::uint64_t{payload_size} >> (8 * (i - 1)));
    }
    if (mask) {
        std::copy(mask->begin(), mask->end(), room.begin() + static_cast<std::ptrdiff_t>(size));
        size += mask->size();
    }
    return size;
}

void apply_websocket_mask(MutableBytes payload, const WebSocketMask& mask, std::uint64_t offset) {
    if (mask == WebSocketMask{}) return;
    std::uint8_t turned[8];  // The mask as it stands at `offset`, twice.
    for (std::size_t i = 0; i < 8; ++i) turned[i] = mask[(offset + i) % 4];
    std::uint64_t word_mask;
    std::memcpy(&word_mask, turned, sizeof word_mask);
    std::size_t at = 0;
    for (; at + 8 <= payload.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, payload.data() + at, sizeof word);
        word ^= word_mask;
        std::memcpy(payload.data() + at, &word, sizeof word);
    }
    for (std::size_t i = 0; at < payload.size(); ++at, ++i) {
        payload[at] = static_cast<std::uint8_t>(payload[at] ^ turned[i]);
    }
}

// True when the header is complete.
bool WebSocketReader::gather_header(MutableBytes& input) {
    while (true) {
        std::size_t need = 2;
        if (header_have_ >= 2) {
            need += length_digits(header_[1] & 0x7f) + ((header_[1] & mask_bit) != 0 ? 4 : 0);
        }
        if (header_have_ == need) return true;
        if (input.empty()) return false;
        const std::size_t count = std::min(need - header_have_, input.size());
        std::copy_n(input.begin(), count,
                    header_.begin() + static_cast<std::ptrdiff_t>(header_have_));
        header_have_ += count;
        input = input.subspan(count);
    }
}

Status WebSocketReader::check_order(WebSocketOpcode opcode, bool final) {
    switch (opcode) {
        case WebSocketOpcode::Continuation:
            if (!in_message_) return malformed("a WebSocket continuation without a beginning");
            in_message_ = !final;
            return Done{};
        case WebSocketOpcode::Binary:
            if (in_message_) return malformed("a WebSocket message inside another");
            in_message_ = !final;
            return Done{};
        case WebSocketOpcode::Close:
        case WebSocketOpcode::Ping:
        case WebSocketOpcode::Pong:
            if (!final) return malformed("a WebSocket control frame in fragments");
            return Done{};
        case WebSocketOpcode::Text: return malformed("a WebSocket text frame");
    }
    return malformed("an unknown WebSocket opcode");
}

Status WebSocketReader::begin_frame() {
    if ((header_[0] & reserved_bits) != 0) return malformed("WebSocket's reserved bits are set");
    masked_ = (header_[1] & mask_bit) != 0;
    // RFC 6455 5.1: a client masks, a server does not.
    if (masked_ != (own_role_ == WebSocketRole::Server)) {
        return malformed(masked_ ? "a masked WebSocket frame from a server"
                                 : "a WebSocket frame without a mask from a client");
    }
    opcode_ = static_cast<WebSocketOpcode>(header_[0] & 0x0f);
    if (auto order = check_order(opcode_, (header_[0] & final_bit) != 0); !order) return order;

    const std::uint8_t short_length = header_[1] & 0x7f;
    const std::size_t digits = length_digits(short_length);
    payload_size_ = digits == 0 ? short_length : big_endian(Bytes{header_}.subspan(2, digits));
    if (frame_is_control() && payload_size_ > max_websocket_control_payload) {
        return malformed("a WebSocket control frame over 125 bytes");
    }
    if (payload_size_ > max_websocket_payload) {
        return Error{ErrorCode::TooLarge, "a WebSocket frame over 1 MiB"};
    }
    if (masked_) {
        std::copy_n(header_.begin() + 2 + static_cast<std::ptrdiff_t>(digits), 4, mask_.begin());
    }
    payload_taken_ = 0;
    header_have_ = 0;
    in_frame_ = true;
    return Done{};
}

std::optional<WebSocketPiece> WebSocketReader::take_payload(MutableBytes& input) {
    const auto left = payload_size_ - payload_taken_;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size()));
    const auto payload = input.first(count);
    input = input.subspan(count);
    if (masked_) apply_websocket_mask(payload, mask_, payload_taken_);
    payload_taken_ += count;
    in_frame_ = payload_taken_ < payload_size_;
    if (payload.empty()) return std::nullopt;
    return WebSocketPiece{WebSocketPiece::Kind::Payload, payload};
}

std::optional<WebSocketPiece> WebSocketReader::take_control(MutableBytes& input) {
    const auto had = static_cast<std::ptrdiff_t>(payload_taken_);
    const auto piece = take_payload(input);
    if (piece) std::copy(piece->bytes.begin(), piece->bytes.end(), control_.begin() + had);
    if (in_frame_ || opcode_ == WebSocketOpcode::Pong) return std::nullopt;
    const auto kind =
        opcode_ == WebSocketOpcode::Ping ? WebSocketPiece::Kind::Ping : WebSocketPiece::Kind::Close;
    return WebSocketPiece{kind,
                          MutableBytes{control_}.first(static_cast<std::size_t>(payload_size_))};
}

Result<std::optional<WebSocketPiece>> WebSocketReader::next(MutableBytes& input) {
    while (true) {
        if (!in_frame_) {
            if (!gather_header(input)) return std::optional<WebSocketPiece>{};
            if (auto begun = begin_frame(); !begun) return begun.error();
        }
        auto piece = frame_is_control() ? take_control(input) : take_payload(input);
        if (piece) return piece;
        if (in_frame_) return std::optional<WebSocketPiece>{};  // Its payload is not all here.
    }
}

}  // namespace relay
