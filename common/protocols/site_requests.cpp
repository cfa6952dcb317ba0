#include "common/protocols/site_requests.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::size_t max_chunk_line = 256;
constexpr std::size_t max_trailers = 8 * 1024;
constexpr std::string_view switching = "HTTP/1.1 101";
// What web servers take for the client's address and scheme.
constexpr std::string_view claims[] = {"x-forwarded-for",  "x-forwarded-proto", "x-forwarded-host",
                                       "x-forwarded-port", "x-real-ip",         "forwarded"};

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

void append(ByteVector& output, std::string_view text) {
    const auto bytes = bytes_of(text);
    output.insert(output.end(), bytes.begin(), bytes.end());
}

// Some servers read '_' as '-'.
bool is_claim(std::string name) {
    std::replace(name.begin(), name.end(), '_', '-');
    return std::any_of(std::begin(claims), std::end(claims),
                       [&](std::string_view claim) { return equal_ignoring_case(name, claim); });
}

void drop(HttpRequestHead& head, std::string_view name) {
    std::erase_if(head.fields,
                  [&](const HttpField& field) { return equal_ignoring_case(field.name, name); });
}

// The line at the front, without its end, and how long it is with it; nothing without an end.
std::optional<std::pair<std::string_view, std::size_t>> line_of(Bytes input) {
    const auto text = text_of(input);
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    return std::pair{text.substr(0, end), end + 2};
}

}  // namespace

Status SiteRequests::receive(Bytes& input, ByteVector& output, std::size_t most) {
    while (!input.empty() && output.size() < most) {
        const auto moved = step(input, output);
        if (!moved) return moved.error();
        if (*moved == Moved::Nothing) break;
    }
    return Done{};
}

Result<SiteRequests::Moved> SiteRequests::step(Bytes& input, ByteVector& output) {
    switch (state_) {
        case State::Head: return take_head(input, output);
        case State::ChunkSize: return take_chunk_size(input, output);
        case State::ChunkEnd: return take_chunk_end(input, output);
        case State::Trailers: return take_trailer(input, output);
        case State::Upgrading: return Moved::Nothing;
        case State::Body:
        case State::ChunkData:
        case State::Raw: break;
    }
    return pass(input, output);
}

SiteRequests::Moved SiteRequests::pass(Bytes& input, ByteVector& output) {
    constexpr std::size_t piece = 16 * 1024;
    std::size_t size = std::min(input.size(), piece);
    if (state_ != State::Raw) size = std::min<std::uint64_t>(size, left_);
    output.insert(output.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(size);
    if (state_ == State::Raw) return Moved::Some;
    left_ -= size;
    if (left_ == 0) state_ = state_ == State::Body ? State::Head : State::ChunkEnd;
    return Moved::Some;
}

Result<SiteRequests::Moved> SiteRequests::take_head(Bytes& input, ByteVector& output) {
    // RFC 9112 2.2: an empty line before a request means nothing.
    if (text_of(input).starts_with("\r\n")) {
        input = input.subspan(2);
        return Moved::Some;
    }
    const std::size_t size = http_head_size(input);
    if (size == 0) {
        if (input.size() < max_http_head) return Moved::Nothing;
        return Error{ErrorCode::TooLarge, "a request's head is over 16 KiB"};
    }
    auto head = parse_http_request(text_of(input.first(size)));
    if (!head) return head.error();
    if (options_.is_ours && options_.is_ours(*head)) {
        return Error{ErrorCode::Refused, "what is for the relay comes by a connection of its own"};
    }
    if (Status status = begin_body(*head); !status) return status.error();
    if (Status status = rewrite(*head); !status) return status.error();
    append(output, to_text(*head));
    input = input.subspan(size);
    is_first_ = false;
    return Moved::Some;
}

// RFC 9112 6.3. What could be read in two ways is refused.
Status SiteRequests::begin_body(const HttpRequestHead& head) {
    const std::size_t lengths = head.count("Content-Length");
    const std::size_t codings = head.count("Transfer-Encoding");
    if (head.method == "CONNECT") return malformed("CONNECT is for proxies");
    if (lengths + codings > 1) return malformed("a request with two lengths");
    state_ = State::Head;
    if (codings == 1) {
        if (head.minor_version == 0 ||
            !equal_ignoring_case(*head.field("Transfer-Encoding"), "chunked")) {
            return malformed("a request with a transfer coding other than chunked");
        }
        state_ = State::ChunkSize;
    } else if (lengths == 1) {
        const auto size =
            parse_number(*head.field("Content-Length"), std::numeric_limits<std::int64_t>::max());
        if (!size) return malformed("a request whose length is no number");
        left_ = *size;
        if (left_ > 0) state_ = State::Body;
    }
    return Done{};
}

Status SiteRequests::rewrite(HttpRequestHead& head) {
    const std::string client = options_.client(head.joined("X-Forwarded-For"));
    if (client.empty()) return malformed("a request with a malformed X-Forwarded-For");
    const std::string* told = head.field("X-Forwarded-Proto");
    const bool is_told =
        options_.trusts_scheme && told != nullptr && (*told == "http" || *told == "https");
    const std::string scheme = is_told ? *told : options_.is_secure ? "https" : "http";
    // Others than WebSocket's would open ways past us.
    const bool upgrades = is_first_ && state_ == State::Head && head.count("Upgrade") == 1 &&
                          equal_ignoring_case(*head.field("Upgrade"), "websocket") &&
                          list_has_token(head.joined("Connection"), "upgrade");
    if (upgrades) state_ = State::Upgrading;
    // Whatever else Connection names, the next server would drop: our own fields, too.
    const std::string connection = head.joined("Connection");
    const std::string kept = upgrades                                   ? "upgrade"
                             : list_has_token(connection, "close")      ? "close"
                             : list_has_token(connection, "keep-alive") ? "keep-alive"
                                                                        : "";
    drop(head, "Connection");
    if (!upgrades) drop(head, "Upgrade");
    drop(head, "HTTP2-Settings");
    std::erase_if(head.fields, [](const HttpField& field) { return is_claim(field.name); });
    if (!kept.empty()) head.fields.push_back({"Connection", kept});
    head.fields.push_back({"X-Forwarded-For", client});
    head.fields.push_back({"X-Forwarded-Proto", scheme});
    return Done{};
}

Result<SiteRequests::Moved> SiteRequests::take_chunk_size(Bytes& input, ByteVector& output) {
    const auto line = line_of(input);
    if (!line && input.size() < max_chunk_line) return Moved::Nothing;
    if (!line || line->second > max_chunk_line) return malformed("a chunk without a size");
    // Extensions end here.
    auto digits = line->first.substr(0, line->first.find(';'));
    while (digits.ends_with(' ') || digits.ends_with('\t')) digits.remove_suffix(1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
    if (digits.empty() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size() ||
        left_ > std::uint64_t{1} << 60) {
        return malformed("a chunk whose size is no number");
    }
    append(output, std::string{digits} + "\r\n");
    input = input.subspan(line->second);
    state_ = left_ == 0 ? State::Trailers : State::ChunkData;
    trailer_bytes_ = 0;
    return Moved::Some;
}

Result<SiteRequests::Moved> SiteRequests::take_chunk_end(Bytes& input, ByteVector& output) {
    if (input.size() < 2) return Moved::Nothing;
    if (!text_of(input).starts_with("\r\n")) return malformed("a chunk longer than its size");
    append(output, "\r\n");
    input = input.subspan(2);
    state_ = State::ChunkSize;
    return Moved::Some;
}

// Trailers end here, too.
Result<SiteRequests::Moved> SiteRequests::take_trailer(Bytes& input, ByteVector& output) {
    const auto line = line_of(input);
    if (trailer_bytes_ + (line ? line->second : input.size()) > max_trailers) {
        return Error{ErrorCode::TooLarge, "a request with too many trailers"};
    }
    if (!line) return Moved::Nothing;
    trailer_bytes_ += line->second;
    input = input.subspan(line->second);
    if (!line->first.empty()) return Moved::Some;
    append(output, "\r\n");
    state_ = State::Head;
    return Moved::Some;
}

void SiteRequests::answered(Bytes bytes) {
    if (state_ != State::Upgrading) return;
    answer_ += text_of(bytes.first(std::min(bytes.size(), switching.size() - answer_.size())));
    if (!switching.starts_with(answer_)) {
        state_ = State::Head;
    } else if (answer_.size() == switching.size()) {
        state_ = State::Raw;
    }
}

}  // namespace relay
