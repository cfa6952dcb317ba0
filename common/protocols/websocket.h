// WebSocket frames (RFC 6455 5), as a byte stream: where messages begin and end means nothing, so
// payloads are handed on as they come.
#pragma once

#include <array>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace relay {

constexpr std::size_t max_websocket_header = 14;
constexpr std::size_t max_websocket_control_payload = 125;    // RFC 6455 5.5
constexpr std::uint64_t max_websocket_payload = 1024 * 1024;  // Ours, for each frame.

enum class WebSocketRole { Client, Server };

enum class WebSocketOpcode : std::uint8_t {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
};

using WebSocketMask = std::array<std::uint8_t, 4>;

// Writes the header of a final frame into `room` (max_websocket_header bytes); the size of what was
// written. A client hands in a mask, a server none.
std::size_t put_websocket_header(MutableBytes room, WebSocketOpcode opcode,
                                 std::size_t payload_size,
                                 const std::optional<WebSocketMask>& mask);

// How long that header is.
std::size_t websocket_header_size(std::size_t payload_size, WebSocketRole sender);

// XORs `payload`, which starts `offset` bytes into its frame, with the mask: the way in and out.
void apply_websocket_mask(MutableBytes payload, const WebSocketMask& mask, std::uint64_t offset);

// What a reader found. Borrowed: from the input for Payload, from the reader (until its next call)
// for Ping and Close.
struct WebSocketPiece {
    enum class Kind { Payload, Ping, Close };
    Kind kind;
    MutableBytes bytes;  // For Close: 2 bytes of code and its text, or nothing.
};

// Reads frames that the other role sent, cut into input in any way.
class WebSocketReader {
public:
    explicit WebSocketReader(WebSocketRole own_role) : own_role_(own_role) {}

    // Takes the next piece off the front of `input`, unmasked in place. Yields nothing when the
    // input is used up. After an error, or a Close, it must not be called again.
    Result<std::optional<WebSocketPiece>> next(MutableBytes& input);

private:
    Status begin_frame();
    bool gather_header(MutableBytes& input);
    Status check_order(WebSocketOpcode opcode, bool final);
    std::optional<WebSocketPiece> take_payload(MutableBytes& input);
    std::optional<WebSocketPiece> take_control(MutableBytes& input);
    bool frame_is_control() const { return opcode_ >= WebSocketOpcode::Close; }

    WebSocketRole own_role_;
    std::array<std::uint8_t, max_websocket_header> header_{};
    std::size_t header_have_ = 0;
    bool in_frame_ = false;
    bool in_message_ = false;  // A frame without FIN came: continuations follow.

    WebSocketOpcode opcode_ = WebSocketOpcode::Binary;
    bool masked_ = false;
    WebSocketMask mask_{};
    std::uint64_t payload_size_ = 0;
    std::uint64_t payload_taken_ = 0;
    std::array<std::uint8_t, max_websocket_control_payload> control_{};
};

}  // namespace relay
