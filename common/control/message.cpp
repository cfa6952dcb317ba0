#include "common/control/message.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/check.h"
#include "common/control/json.h"
#include "common/control/json_depth.h"
#include "common/control/version.h"

namespace relay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<ErrorCode, std::string_view>, 8> code_names{{
    {ErrorCode::Malformed, "malformed"},
    {ErrorCode::TooLarge, "too-large"},
    {ErrorCode::Refused, "refused"},
    {ErrorCode::Unauthentic, "unauthentic"},
    {ErrorCode::Unsupported, "unsupported"},
    {ErrorCode::NotFound, "not-found"},
    {ErrorCode::AlreadyExists, "already-exists"},
    {ErrorCode::System, "system"},
}};

ErrorCode code_of(std::string_view name) {
    for (const auto& [code, known] : code_names) {
        if (known == name) return code;
    }
    return ErrorCode::Refused;
}

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> object_of(std::string_view line) {
    if (!json_depth_allowed(line)) return Error{ErrorCode::Malformed, "JSON nested too deep"};
    auto json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return Error{ErrorCode::Malformed, "a line must be one JSON object"};
    return json;
}

std::string text_field(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end()) return {};
    const auto* text = found->get_ptr<const std::string*>();
    return text ? *text : std::string{};
}

std::optional<std::uint64_t> id_of(const Json& object) {
    constexpr std::uint64_t limit = std::uint64_t{1} << 53;  // What every JSON reader keeps exact.
    const auto found = object.find("id");
    if (found == object.end() || !found->is_number_unsigned()) return {};
    const auto id = *found->get_ptr<const std::uint64_t*>();
    return id < limit ? std::optional{id} : std::nullopt;
}

}  // namespace

std::string_view name_of(ErrorCode code) {
    for (const auto& [known, name] : code_names) {
        if (known == code) return name;
    }
    unreachable();
}

std::string greeting_line(std::string_view program) {
    return text_of(Json{{"relay-control", control_version}, {"program", program}});
}

Status read_greeting(std::string_view line) {
    const auto json = object_of(line);
    if (!json) return json.error();
    const auto version = json->find("relay-control");
    if (version == json->end() || !version->is_number_unsigned()) {
        return Error{ErrorCode::Malformed, "the first line must be {\"relay-control\":1}"};
    }
    if (*version->get_ptr<const std::uint64_t*>() != control_version) {
        return Error{ErrorCode::Unsupported, "control protocol version " + text_of(*version) +
                                                 " is not known here, " +
                                                 std::to_string(control_version) + " is"};
    }
    return Done{};
}

std::string request_line(const ControlRequest& request) {
    auto line = text_of(Json{{"id", request.id}, {"do", request.method}});
    if (request.with.empty() || request.with == "{}") return line;
    line.pop_back();
    return line + ",\"with\":" + request.with + "}";
}

Result<ControlRequest, BadRequest> read_request(std::string_view line) {
    const auto bad = [](std::optional<std::uint64_t> id, const char* text) {
        return BadRequest{id, {ErrorCode::Malformed, text}};
    };
    const auto json = object_of(line);
    if (!json) return BadRequest{{}, json.error()};
    const auto id = id_of(*json);
    if (!id) return bad({}, "a request needs an \"id\", a whole number below 2^53");
    ControlRequest request{.id = *id, .method = text_field(*json, "do"), .with = "{}"};
    if (request.method.empty()) return bad(id, "a request needs \"do\", the name of a method");
    if (const auto with = json->find("with"); with != json->end() && !with->is_null()) {
        if (!with->is_object()) return bad(id, "\"with\" must be an object");
        request.with = text_of(*with);
    }
    return request;
}

std::string ok_line(std::uint64_t id, std::string_view ok) {
    std::string line = "{\"id\":" + std::to_string(id) + ",\"ok\":";
    line += ok;
    line += '}';
    return line;
}

std::string error_line(std::optional<std::uint64_t> id, const Error& error) {
    auto json = Json::object();
    if (id) json["id"] = *id;
    json["error"] = Json{{"code", name_of(error.code)}, {"text", error.text}};
    return text_of(json);
}

std::string event_line(const EventSnapshot& event) {
    return "{\"event\":" + to_json(event) + "}";
}

Result<ControlReply> read_reply(std::string_view line) {
    const auto json = object_of(line);
    if (!json) return json.error();
    ControlReply reply;
    reply.id = id_of(*json);
    const auto found = [&](const char* name) -> const Json* {
        const auto at = json->find(name);
        return at != json->end() && at->is_object() ? &*at : nullptr;
    };
    if (const auto* ok = found("ok"); ok && reply.id) {
        reply.json = text_of(*ok);
    } else if (const auto* error = found("error")) {
        reply.kind = ControlReply::Kind::Error;
        reply.error = {code_of(text_field(*error, "code")), text_field(*error, "text")};
    } else if (const auto* event = found("event")) {
        reply.kind = ControlReply::Kind::Event;
        reply.json = text_of(*event);
    } else {
        return Error{ErrorCode::Malformed, "neither a reply nor an event"};
    }
    return reply;
}

}  // namespace relay
