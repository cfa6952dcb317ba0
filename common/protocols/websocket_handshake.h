// The opening of a WebSocket connection, as a client sees it (RFC 6455 4.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/protocols/http_head.h"

namespace relay {

constexpr std::string_view websocket_subprotocol = "relayd.v1";

// The value of Sec-WebSocket-Key: 16 bytes of chance in base64.
std::string new_websocket_key(Random& random);

// The Sec-WebSocket-Accept that answers `key`.
std::string websocket_accept_value(std::string_view key);

struct WebSocketRequest {
    std::string host;  // As in the Host field: with the port where it is not the usual one.
    std::string path = "/";
    std::string key;
    std::vector<std::string> fields = {};  // More of them: "Name: value".
};

// Fails when host, path or fields have characters that would break the request.
Result<std::string> websocket_request(const WebSocketRequest& request);

// Whether `head` is a 101 that answers `key` and speaks our subprotocol; an error says what the
// server answered instead.
Status check_websocket_answer(const HttpResponseHead& head, std::string_view key);

}  // namespace relay
