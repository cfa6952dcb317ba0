#include "common/settings/sealing.h"

#include "common/base/check.h"
#include "common/base/text.h"

namespace relay {

Result<EndToEnd> parse_end_to_end(std::string_view text) {
    if (text == "auto") return EndToEnd::Auto;
    if (text == "required") return EndToEnd::Required;
    if (text == "off") return EndToEnd::Off;
    return Error{ErrorCode::Malformed, "allowed are auto, required and off"};
}

Result<EndToEnd> parse_end_to_end_of_home(std::string_view text) {
    if (text == "auto") return EndToEnd::Auto;
    if (text == "required") return EndToEnd::Required;
    return Error{ErrorCode::Malformed, "allowed are auto and required"};
}

std::string_view name_of(EndToEnd choice) {
    switch (choice) {
        case EndToEnd::Auto: return "auto";
        case EndToEnd::Required: return "required";
        case EndToEnd::Off: return "off";
    }
    unreachable();
}

Result<HomeKey> parse_home_key(std::string_view text) {
    const auto equals = text.find('=');
    const std::string_view home = text.substr(0, equals);
    if (equals == std::string_view::npos || home.empty() || home.size() > 64 ||
        home.find_first_of(" \t") != std::string_view::npos) {
        return Error{ErrorCode::Malformed,
                     "'" + std::string{text} + "' is not HOME=FINGERPRINT: work-pc=SHA256:…"};
    }
    const auto key = parse_fingerprint(text.substr(equals + 1));
    if (!key) return key.error();
    return HomeKey{std::string{home}, *key};
}

Result<PublicKey> parse_visitor_key(std::string_view text) {
    const auto line = parse_public_key_line(text);
    if (!line) return Error{line.error().code, line.error().text};
    return line->key;
}

}  // namespace relay
