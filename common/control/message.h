// The lines of the control protocol (docs/CONTROL.md): greetings, requests, replies, events. Lines
// are without their line feed; whoever splits them limits their size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/control/snapshot.h"

namespace relay {

// The words for error codes on the wire: not-found, refused, …
std::string_view name_of(ErrorCode code);

// The first line from each side. `program` is for people: "relayctl 0.1.0".
std::string greeting_line(std::string_view program);
// Unsupported if it is of another version; Malformed if it is no greeting.
Status read_greeting(std::string_view line);

struct ControlRequest {
    std::uint64_t id = 0;     // Chosen by who asks; the reply has the same. Below 2^53.
    std::string method = {};  // "forwards.add"
    std::string with = {};    // A JSON object: what is asked for. For from_json.
};

struct BadRequest {
    std::optional<std::uint64_t> id = {};  // If that much could be read.
    Error error;
};

std::string request_line(const ControlRequest& request);
Result<ControlRequest, BadRequest> read_request(std::string_view line);

// `ok` is a JSON object.
std::string ok_line(std::uint64_t id, std::string_view ok);
std::string error_line(std::optional<std::uint64_t> id, const Error& error);
std::string event_line(const EventSnapshot& event);

struct ControlReply {
    enum class Kind { Ok, Error, Event };
    Kind kind = Kind::Ok;
    std::optional<std::uint64_t> id =
        {};                 // None in events, and in errors about the connection itself.
    std::string json = {};  // Of Ok and Event: an object.
    // Of Error. A code that we do not know is read as Refused.
    relay::Error error{ErrorCode::Refused, ""};
};

Result<ControlReply> read_reply(std::string_view line);

}  // namespace relay
