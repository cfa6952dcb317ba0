#include "common/control/line_splitter.h"

namespace relay {

void LineSplitter::append(Bytes input) {
    held_.erase(0, taken_);
    searched_ -= taken_;
    taken_ = 0;
    held_ += text_of(input);
}

Result<std::optional<std::string>> LineSplitter::next() {
    const auto end = held_.find('\n', searched_);
    const auto length = (end == std::string::npos ? held_.size() : end) - taken_;
    if (length > max_line_bytes_) {
        return Error{ErrorCode::TooLarge,
                     "a line of more than " + std::to_string(max_line_bytes_) + " bytes"};
    }
    if (end == std::string::npos) {
        searched_ = held_.size();
        return std::optional<std::string>{};
    }
    auto line = held_.substr(taken_, length);
    if (line.ends_with('\r')) line.pop_back();
    taken_ = searched_ = end + 1;
    return std::optional{std::move(line)};
}

}  // namespace relay
