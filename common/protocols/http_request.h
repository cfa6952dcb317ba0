// The head of an HTTP/1 request (RFC 9112 3 to 5), whole.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/protocols/http_head.h"

namespace relay {

struct HttpRequestHead {
    std::string method;
    std::string target;  // As it stands there: "/path?query", or "http://host/path" to a proxy.
    int minor_version = 1;
    std::vector<HttpField> fields;

    // The first field of that name, whatever its case; null without one.
    const std::string* field(std::string_view name) const;
    // All of that name, in their order, as one list.
    std::string joined(std::string_view name) const;
    std::size_t count(std::string_view name) const;
};

// How many bytes the head at the front of `input` has, with the empty line that ends it; 0: it is
// incomplete.
std::size_t http_head_size(Bytes input);

// `head` is complete, and at most max_http_head long.
Result<HttpRequestHead> parse_http_request(std::string_view head);

// With CRLF and the empty line.
std::string to_text(const HttpRequestHead& head);

}  // namespace relay
