#include "common/protocols/poll_message.h"

#include <algorithm>
#include <limits>

#include "common/base/byte_reader.h"
#include "common/base/byte_writer.h"
#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::string_view marker = "/relayd-poll/";
constexpr std::string_view answer_mark = "RLP1";
constexpr std::uint64_t number_most = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t path_most_bytes = 128;  // Behind the marker.

constexpr std::pair<PollRequest::Kind, std::string_view> kind_names[] = {
    {PollRequest::Kind::Open, "open"},
    {PollRequest::Kind::Up, "up"},
    {PollRequest::Kind::Down, "down"},
};

std::string_view name_of(PollRequest::Kind kind) {
    for (const auto& [each, name] : kind_names) {
        if (each == kind) return name;
    }
    return {};
}

int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

std::string hexadecimal(const PollTunnelId& id) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : id) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

bool read_id(std::string_view text, PollTunnelId& id) {
    if (text.size() != 2 * id.size()) return false;
    for (std::size_t i = 0; i < id.size(); ++i) {
        const int high = digit_value(text[2 * i]);
        const int low = digit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        id[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return true;
}

bool read_number(std::string_view text, std::uint64_t& into) {
    const auto number = parse_number(text, number_most);
    if (number) into = *number;
    return static_cast<bool>(number);
}

}  // namespace

std::string poll_path(std::string_view prefix, const PollRequest& request) {
    return std::string{prefix} + std::string{marker} + hexadecimal(request.tunnel) + "/" +
           std::string{name_of(request.kind)} + "/" + std::to_string(request.ticket) + "/" +
           std::to_string(request.at) + "/" + std::to_string(request.done);
}

bool is_poll_path(std::string_view path) {
    return path.find(marker) != std::string_view::npos;
}

std::optional<PollRequest> parse_poll_path(std::string_view path) {
    const auto found = path.rfind(marker);
    if (found == std::string_view::npos) return std::nullopt;
    path.remove_prefix(found + marker.size());
    if (path.size() > path_most_bytes) return std::nullopt;
    const auto parts = split(path, '/');
    if (parts.size() != 5) return std::nullopt;
    PollRequest request;
    const auto* const kind =
        std::find_if(std::begin(kind_names), std::end(kind_names),
                     [&](const auto& each) { return each.second == parts[1]; });
    if (kind == std::end(kind_names) || !read_id(parts[0], request.tunnel) ||
        !read_number(parts[2], request.ticket) || !read_number(parts[3], request.at) ||
        !read_number(parts[4], request.done)) {
        return std::nullopt;
    }
    request.kind = kind->first;
    return request;
}

ByteVector poll_answer(const PollAnswer& answer) {
    ByteVector out(answer.bytes.size() + 16);
    ByteWriter writer{out};
    writer.bytes(bytes_of(answer_mark));
    writer.u8(static_cast<std::uint8_t>(answer.kind));
    switch (answer.kind) {
        case PollAnswer::Kind::Opened:
            writer.u8(poll_version);
            writer.u32(answer.body_most);
            break;
        case PollAnswer::Kind::Taken: writer.u64(answer.offset); break;
        case PollAnswer::Kind::Piece:
            writer.u8(answer.ended ? 1 : 0);
            writer.u64(answer.offset);
            writer.bytes(answer.bytes);
            break;
        case PollAnswer::Kind::Gone: break;
    }
    out.resize(writer.size());
    return out;
}

std::optional<PollAnswer> parse_poll_answer(Bytes body) {
    ByteReader reader{body};
    if (text_of(reader.bytes(answer_mark.size())) != answer_mark) return std::nullopt;
    PollAnswer answer;
    answer.kind = static_cast<PollAnswer::Kind>(reader.u8());
    switch (answer.kind) {
        case PollAnswer::Kind::Opened:
            if (reader.u8() != poll_version) return std::nullopt;
            answer.body_most = reader.u32();
            break;
        case PollAnswer::Kind::Taken: answer.offset = reader.u64(); break;
        case PollAnswer::Kind::Piece:
            answer.ended = reader.u8() != 0;
            answer.offset = reader.u64();
            answer.bytes = reader.bytes(reader.rest().size());
            break;
        case PollAnswer::Kind::Gone: break;
        default: return std::nullopt;
    }
    if (!reader.at_end() || answer.offset > number_most) return std::nullopt;
    return answer;
}

}  // namespace relay
