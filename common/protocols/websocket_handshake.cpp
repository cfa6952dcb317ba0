#include "common/protocols/websocket_handshake.h"

#include <algorithm>

#include "common/crypto/sha1.h"

namespace relay {

namespace {

std::string base64(Bytes bytes) {
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < have ? bytes[at + i] : 0U);
        for (std::size_t i = 0; i < 4; ++i) {
            text += i <= have ? letters[group >> (18 - 6 * i) & 63] : '=';
        }
    }
    return text;
}

bool is_safe(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

// One line, with a name (RFC 9110 5.1).
bool is_field(std::string_view line) {
    const auto colon = line.find(':');
    return colon != std::string_view::npos && is_safe(line.substr(0, colon)) &&
           std::none_of(line.begin(), line.end(), [](char c) {
               return c != '\t' && (static_cast<unsigned char>(c) < ' ' || c == 127);
           });
}

}  // namespace

std::string new_websocket_key(Random& random) {
    std::uint8_t nonce[16];
    random.fill(nonce);
    return base64(nonce);
}

std::string websocket_accept_value(std::string_view key) {
    const auto text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    return base64(sha1(bytes_of(text)));
}

Result<std::string> websocket_request(const WebSocketRequest& request) {
    if (!is_safe(request.host) || !is_safe(request.path) || !request.path.starts_with('/')) {
        return Error{ErrorCode::Malformed, "host or path cannot stand in an HTTP request"};
    }
    std::string more;
    for (const auto& field : request.fields) {
        if (!is_field(field)) {
            return Error{ErrorCode::Malformed, "a header cannot stand in an HTTP request"};
        }
        more += field + "\r\n";
    }
    return "GET " + request.path + " HTTP/1.1\r\nHost: " + request.host +
           "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + request.key +
           "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " +
           std::string{websocket_subprotocol} + "\r\n" + more + "\r\n";
}

Status check_websocket_answer(const HttpResponseHead& head, std::string_view key) {
    if (head.status != 101) {
        return Error{ErrorCode::Refused, "the server answered " + std::to_string(head.status) +
                                             (head.reason.empty() ? "" : " " + head.reason) +
                                             " instead of opening a WebSocket"};
    }
    const auto* upgrade = head.field("Upgrade");
    const auto* connection = head.field("Connection");
    if (upgrade == nullptr || !list_has_token(*upgrade, "websocket") || connection == nullptr ||
        !list_has_token(*connection, "upgrade")) {
        return Error{ErrorCode::Malformed, "the server's 101 is no upgrade to WebSocket"};
    }
    const auto* accept = head.field("Sec-WebSocket-Accept");
    if (accept == nullptr || *accept != websocket_accept_value(key)) {
        return Error{ErrorCode::Malformed, "the server's Sec-WebSocket-Accept is wrong"};
    }
    const auto* protocol = head.field("Sec-WebSocket-Protocol");
    if (protocol == nullptr || *protocol != websocket_subprotocol) {
        return Error{ErrorCode::Unsupported, "the server does not speak relayd.v1"};
    }
    if (head.field("Sec-WebSocket-Extensions") != nullptr) {
        return Error{ErrorCode::Malformed, "the server uses an extension nobody asked for"};
    }
    return Done{};
}

}  // namespace relay
