#include "common/crypto/authorized_keys.h"

#include <algorithm>

namespace relay {
namespace {

constexpr std::string_view blanks = " \t";

TextError malformed(std::size_t column, std::string text) {
    return {ErrorCode::Malformed, column, std::move(text)};
}

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

// Reads the options at the front of a line, up to the first blank outside quotes.
class Options {
public:
    // `at` is where in the line the first option begins.
    Options(std::string_view line, std::size_t at) : line_(line), at_(at) {}

    Result<Done, TextError> parse();
    std::size_t end() const { return at_; }
    std::vector<std::string> take_from() { return std::move(from_); }

private:
    Result<Done, TextError> parse_one();
    Result<std::string, TextError> quoted_value();
    Result<Done, TextError> set_from(const std::string& value, std::size_t column);

    bool at(char c) const { return at_ < line_.size() && line_[at_] == c; }

    std::string_view line_;
    std::size_t at_;
    std::vector<std::string> from_;
};

Result<Done, TextError> Options::parse() {
    for (;;) {
        const auto one = parse_one();
        if (!one || !at(',')) return one;
        ++at_;
    }
}

Result<Done, TextError> Options::parse_one() {
    const std::size_t start = at_;
    at_ = std::min(line_.find_first_of("=, \t\"", start), line_.size());
    const std::string_view name = line_.substr(start, at_ - start);
    if (name.empty()) return malformed(start + 1, "expected the name of an option");
    if (lower(name) != "from") {
        return TextError{ErrorCode::Unsupported, start + 1,
                         "option \"" + std::string{name.substr(0, 64)} +
                             "\" is not supported, only from=\"ADDRESS,NETWORK/BITS\""};
    }
    if (!from_.empty()) return malformed(start + 1, "option \"from\" is given twice");
    if (!at('=')) return malformed(at_ + 1, "option \"from\" needs a value: from=\"ADDRESS\"");
    ++at_;
    const std::size_t value_column = at_ + 1;
    const auto value = quoted_value();
    if (!value) return value.error();
    return set_from(*value, value_column);
}

// Inside the quotes, \" stands for a quote; there are no other escapes.
Result<std::string, TextError> Options::quoted_value() {
    const std::size_t column = at_ + 1;
    if (!at('"')) return malformed(column, "the option's value must be in double quotes");
    std::string value;
    for (++at_; at_ < line_.size(); ++at_) {
        if (at('"')) {
            ++at_;
            return value;
        }
        if (at('\\') && line_.substr(at_ + 1).starts_with('"')) ++at_;
        value += line_[at_];
    }
    return malformed(column, "the closing quote is missing");
}

Result<Done, TextError> Options::set_from(const std::string& value, std::size_t column) {
    std::string_view rest = value;
    for (;;) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view pattern = rest.substr(0, comma);
        const bool printable =
            std::ranges::all_of(pattern, [](char c) { return c > 0x20 && c < 0x7f; });
        if (pattern.empty() || !printable) {
            return malformed(column, "an address in from=\"…\" is empty or has odd characters");
        }
        if (from_.size() == max_from_patterns) {
            return TextError{ErrorCode::TooLarge, column, "from=\"…\" has more than 64 addresses"};
        }
        from_.emplace_back(pattern);
        if (comma == rest.size()) return Done{};
        rest.remove_prefix(comma + 1);
    }
}

}  // namespace

Result<std::optional<AuthorizedKey>, TextError> parse_authorized_key(std::string_view line) {
    if (line.size() > max_key_line_size) {
        return TextError{ErrorCode::TooLarge, 1, "the line is longer than 8192 bytes"};
    }
    while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
    const std::size_t start = line.find_first_not_of(blanks);
    if (start == line.npos || line[start] == '#') return std::optional<AuthorizedKey>{};

    AuthorizedKey result;
    std::size_t key_start = start;
    const std::string_view first = line.substr(start, line.find_first_of(blanks, start) - start);
    if (first.starts_with("AAAA")) {
        return malformed(start + 1, "the key type is missing: write ssh-ed25519 before the data");
    }
    if (!is_ssh_key_type(first)) {
        Options options{line, start};
        const auto parsed = options.parse();
        if (!parsed) return parsed.error();
        result.from = options.take_from();
        key_start = options.end();
        if (key_start < line.size() && blanks.find(line[key_start]) == blanks.npos) {
            return malformed(key_start + 1, "expected a comma or a space after the option");
        }
    }

    auto key = parse_public_key_line(line.substr(key_start));
    if (!key) {
        TextError error = key.error();
        error.column += key_start;
        return error;
    }
    result.key = key->key;
    result.comment = std::move(key->comment);
    return std::optional{std::move(result)};
}

AuthorizedKeys parse_authorized_keys(std::string_view text) {
    AuthorizedKeys result;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        auto key = parse_authorized_key(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (key && !*key) continue;
        if (result.keys.size() + result.errors.size() == max_authorized_keys) {
            result.errors.push_back({number, {ErrorCode::TooLarge, 1, "more than 4096 keys"}});
            return result;
        }
        if (!key) {
            result.errors.push_back({number, key.error()});
        } else {
            result.keys.push_back(std::move(**key));
        }
    }
    return result;
}

}  // namespace relay
