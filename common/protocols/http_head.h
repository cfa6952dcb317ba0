// The head of an HTTP/1.1 response (RFC 9112 2 to 5), taken from a stream in pieces of any size.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace relay {

constexpr std::size_t max_http_head = 16 * 1024;

struct HttpField {
    std::string name;
    std::string value;  // Without the spaces around it.
};

struct HttpResponseHead {
    int status = 0;
    std::string reason;  // May be empty.
    std::vector<HttpField> fields;

    // The first field of that name, whatever its case; null without one.
    const std::string* field(std::string_view name) const;
};

// The lines of a head behind its first one, up to the empty line or the end.
Status parse_http_fields(std::string_view lines, std::vector<HttpField>& into);

// Equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// True when `list`, separated by commas, has `token`, whatever its case (RFC 9110 5.6.1).
bool list_has_token(std::string_view list, std::string_view token);

// Gathers bytes until the head is complete. After a head or an error it must not be used again.
class HttpHeadReader {
public:
    // Takes the head's bytes off the front of `input`; what follows the head stays there. Yields
    // nothing while the head is incomplete.
    Result<std::optional<HttpResponseHead>> receive(Bytes& input);

private:
    std::string head_;
};

}  // namespace relay
