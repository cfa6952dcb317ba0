#include "common/protocols/http_head.h"

#include <algorithm>

namespace relay {

namespace {

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 127 &&
               std::string_view{"\"(),/:;<=>?@[\\]{}"}.find(c) == std::string_view::npos;
    });
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 127;
    });
}

std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// "HTTP/1.1 101 Switching Protocols"; the reason and the space before it may be missing.
Status parse_status_line(std::string_view line, HttpResponseHead& head) {
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || !is_digit(line[7]) || line[8] != ' ' ||
        (line.size() > 12 && line[12] != ' ')) {
        return malformed("the answer is not HTTP");
    }
    for (const char digit : line.substr(9, 3)) {
        if (!is_digit(digit)) return malformed("the HTTP status is not a number");
        head.status = head.status * 10 + (digit - '0');
    }
    if (has_control(line)) return malformed("the HTTP status line has control characters");
    if (line.size() > 13) head.reason = line.substr(13);
    return Done{};
}

Status parse_field(std::string_view line, std::vector<HttpField>& fields) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return malformed("an HTTP header line has no name");
    }
    if (has_control(line)) return malformed("an HTTP header has control characters");
    fields.push_back(
        {std::string{line.substr(0, colon)}, std::string{trimmed(line.substr(colon + 1))}});
    return Done{};
}

Result<std::optional<HttpResponseHead>> parse(std::string_view text) {
    HttpResponseHead head;
    if (auto status = parse_status_line(take_line(text), head); !status) return status.error();
    if (auto status = parse_http_fields(text, head.fields); !status) return status.error();
    return std::optional{std::move(head)};
}

}  // namespace

Status parse_http_fields(std::string_view lines, std::vector<HttpField>& into) {
    while (!lines.empty()) {
        const auto line = take_line(lines);
        if (line.empty()) break;
        if (auto status = parse_field(line, into); !status) return status.error();
    }
    return Done{};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool list_has_token(std::string_view list, std::string_view token) {
    while (true) {
        const auto comma = list.find(',');
        if (equal_ignoring_case(trimmed(list.substr(0, comma)), token)) return true;
        if (comma == std::string_view::npos) return false;
        list.remove_prefix(comma + 1);
    }
}

const std::string* HttpResponseHead::field(std::string_view name) const {
    for (const auto& each : fields) {
        if (equal_ignoring_case(each.name, name)) return &each.value;
    }
    return nullptr;
}

Result<std::optional<HttpResponseHead>> HttpHeadReader::receive(Bytes& input) {
    constexpr std::string_view start = "HTTP/1.";
    while (!input.empty()) {
        const char next = static_cast<char>(input.front());
        if (head_.size() >= max_http_head) {
            return Error{ErrorCode::TooLarge, "the HTTP answer's head is over 16 KiB"};
        }
        // Judged at once, so that what speaks another protocol is not waited for.
        if (head_.size() < start.size() && next != start[head_.size()]) {
            return malformed("the answer is not HTTP");
        }
        head_.push_back(next);
        input = input.subspan(1);
        if (next == '\n' && (head_.ends_with("\r\n\r\n") || head_.ends_with("\n\n"))) {
            return parse(head_);
        }
    }
    return std::optional<HttpResponseHead>{};
}

}  // namespace relay
