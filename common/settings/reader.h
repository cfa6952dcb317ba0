// Typed fields out of a document's nodes. Nothing stops at an error: each one is written down, the
// field keeps its default, and reading goes on.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/settings/document.h"

namespace relay {

// Where each setting was read, by its path such as "relay/homes/work-pc/forwards/0".
using Places = std::map<std::string, Place>;

// One file while it is read.
struct Source {
    std::string file;
    std::vector<Diagnostic>& diagnostics;
    Places& places;

    void wrong(const Node& node, std::string text);
    void wrong(Position at, std::string text);
    void remember(const std::string& path, Position at);
};

// What a node should be and is not, or nothing.
bool is_scalar(const Node& node, std::string_view name, Source& source);

// Reads one map. `node` and `source` must outlive it.
class MapReader {
public:
    // Anything but a map is an error, and read as an empty one. No value at all is an empty map.
    MapReader(const Node& node, std::string path, Source& source);

    // The value of a key, which from now on is known. Null if it is not there.
    const Node* find(std::string_view key);
    // The same, where a map without it is wrong.
    const Node* require(std::string_view key, std::string_view example);

    // `parse` takes a string_view and yields a Result. Without the key `into` stays as it is.
    template <typename T, typename Parse>
    void scalar(std::string_view key, T& into, Parse parse) {
        const Node* node = find(key);
        if (node == nullptr || !is_scalar(*node, key, source_)) return;
        auto value = parse(std::string_view{node->scalar});
        if (value) {
            into = *std::move(value);
        } else {
            source_.wrong(*node, std::string{key} + ": " + value.error().text);
        }
    }

    struct Range {
        Duration least;
        Duration most;
        enum class Zero { Refused, Allowed } zero = Zero::Refused;  // Zero below `least`.
    };
    void duration(std::string_view key, Duration& into, const Range& allowed);
    void path(std::string_view key, std::string& into);
    // Or "credential:NAME", which stays as it is.
    void path_or_credential(std::string_view key, std::string& into);

    // Calls `item` for each element with its path; a value that is no list is a list of one.
    using Item = std::function<void(const Node&, const std::string& path)>;
    void list(std::string_view key, std::size_t most, const Item& item);

    // Each element by `parse`, as scalar() does. Clears `into` first if the key is there.
    template <typename T, typename Parse>
    void scalars(std::string_view key, std::size_t most, std::vector<T>& into, Parse parse) {
        if (find(key) != nullptr) into.clear();
        list(key, most, [&](const Node& node, const std::string&) {
            if (!is_scalar(node, key, source_)) return;
            auto value = parse(std::string_view{node.scalar});
            if (value) {
                into.push_back(*std::move(value));
            } else {
                source_.wrong(node, std::string{key} + ": " + value.error().text);
            }
        });
    }

    // Once every known key was asked for: all others are errors.
    void refuse_others();

    const Node& node() const { return node_; }
    std::string path_of(std::string_view key) const;

private:
    const Node& node_;
    std::string path_;
    Source& source_;
    std::vector<std::string_view> known_;
};

// Yields what parses a number of this range.
template <typename Number>
auto number_between(std::uint64_t least, std::uint64_t most) {
    return [=](std::string_view text) -> Result<Number> {
        const auto number = parse_number(text, most);
        if (number && *number >= least) return static_cast<Number>(*number);
        return Error{ErrorCode::Malformed,
                     "'" + std::string{text} + "' is not allowed: write a number from " +
                         std::to_string(least) + " to " + std::to_string(most)};
    };
}

// The mode of a file, as "0660" or "600".
Result<unsigned> parse_mode(std::string_view text);
// Plain text of at most 4096 bytes without control characters, and not empty.
Result<std::string> parse_text(std::string_view text);
// The same, as a group is called: one word.
Result<std::string> parse_group(std::string_view text);
// The same, beginning with '/'.
Result<std::string> parse_path(std::string_view text);
Result<std::string> parse_path_or_credential(std::string_view text);
// "yes" or "no".
Result<bool> parse_switch(std::string_view text);

}  // namespace relay
