// Bytes as they come in, cut into lines of limited length.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace relay {

// Holds what was appended and not yet taken: at most one piece of input beyond one line.
class LineSplitter {
public:
    explicit LineSplitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

    // Take all lines before more is appended.
    void append(Bytes input);

    // The next whole line, without its line feed and without a carriage return before it. Nothing
    // while it is incomplete. TooLarge, for good, when it is over the limit.
    Result<std::optional<std::string>> next();

private:
    std::size_t max_line_bytes_;
    std::string held_;
    std::size_t taken_ = 0;     // Of held_: lines handed out.
    std::size_t searched_ = 0;  // Of held_: no line feed between taken_ and here.
};

}  // namespace relay
