#include "common/protocols/http_request.h"

#include <algorithm>

namespace relay {

namespace {

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

bool is_visible(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

bool is_upper_case(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    });
}

// "GET /path HTTP/1.1", with single spaces.
Status parse_request_line(std::string_view line, HttpRequestHead& into) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return malformed("it was not HTTP");
    into.method = line.substr(0, first);
    into.target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return malformed("it was not HTTP/1");
    into.minor_version = version.back() - '0';
    if (!is_upper_case(into.method) || !is_visible(into.target)) {
        return malformed("it was not HTTP");
    }
    return Done{};
}

}  // namespace

const std::string* HttpRequestHead::field(std::string_view name) const {
    for (const auto& each : fields) {
        if (equal_ignoring_case(each.name, name)) return &each.value;
    }
    return nullptr;
}

std::string HttpRequestHead::joined(std::string_view name) const {
    std::string all;
    for (const auto& each : fields) {
        if (!equal_ignoring_case(each.name, name)) continue;
        all += (all.empty() ? "" : ", ") + each.value;
    }
    return all;
}

std::size_t HttpRequestHead::count(std::string_view name) const {
    return static_cast<std::size_t>(
        std::count_if(fields.begin(), fields.end(),
                      [&](const HttpField& each) { return equal_ignoring_case(each.name, name); }));
}

std::size_t http_head_size(Bytes input) {
    const auto text = text_of(input);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string_view::npos; ++at) {
        const auto rest = text.substr(at + 1);
        if (rest.starts_with('\n')) return at + 2;
        if (rest.starts_with("\r\n")) return at + 3;
    }
    return 0;
}

Result<HttpRequestHead> parse_http_request(std::string_view head) {
    if (head.size() > max_http_head) {
        return Error{ErrorCode::TooLarge, "its head is over 16 KiB"};
    }
    HttpRequestHead request;
    const auto end = head.find('\n');
    auto line = head.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto parsed = parse_request_line(line, request); !parsed) return parsed.error();
    const auto rest = end == std::string_view::npos ? std::string_view{} : head.substr(end + 1);
    if (auto parsed = parse_http_fields(rest, request.fields); !parsed) return parsed.error();
    return request;
}

std::string to_text(const HttpRequestHead& head) {
    std::string text =
        head.method + " " + head.target + " HTTP/1." + std::to_string(head.minor_version) + "\r\n";
    for (const auto& [name, value] : head.fields) text += name + ": " + value + "\r\n";
    return text + "\r\n";
}

}  // namespace relay
