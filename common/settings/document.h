// A YAML text as a tree of nodes that know where they stand. Anchors, aliases, tags and several
// documents in one text are refused: settings need none of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/settings/diagnostic.h"

namespace relay {

inline constexpr std::size_t max_document_size = 1024 * 1024;
inline constexpr std::size_t max_document_depth = 16;
inline constexpr std::size_t max_map_entries = 8192;

struct NodeEntry;

struct Node {
    enum class Kind { Empty, Scalar, List, Map };

    Kind kind = Kind::Empty;
    Position at;
    std::string scalar;              // The text, whether it was quoted or not.
    std::vector<Node> items;         // Of a list.
    std::vector<NodeEntry> entries;  // Of a map, in their order in the text; no key twice.
};

struct NodeEntry {
    std::string key;
    Position at;
    Node value;
};

// The outermost node; Empty for a text without any. A key that occurs twice is an error, and its
// first value counts. Anything else that is wrong ends the reading: then there is no node.
struct Document {
    std::optional<Node> root;
    std::vector<Diagnostic> diagnostics;
};

Document read_document(const std::string& file, std::string_view text);

}  // namespace relay
