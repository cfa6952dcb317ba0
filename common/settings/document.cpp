#include "common/settings/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>

namespace relay {

namespace {

Position position_of(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

// Builds the tree from yaml-cpp's events. It cannot stop the parser, so that after the first error
// it hears the rest and keeps nothing of it.
class Builder final : public YAML::EventHandler {
public:
    Builder(std::string file, std::vector<Diagnostic>& diagnostics)
        : file_(std::move(file)), diagnostics_(diagnostics) {}

    bool has_failed() const { return has_failed_; }
    Node take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) fail(position_of(mark), "only one document is allowed in a file");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        open(mark, {}, anchor, Node::Kind::Empty);
        close();
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        fail(position_of(mark), "aliases (*name) are not allowed");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        open(mark, tag, anchor, Node::Kind::Scalar);
        if (!has_failed_) path_.back().scalar = value;
        close();
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::List);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::Map);
    }
    void OnMapEnd() override { close(); }

private:
    void fail(Position at, std::string text) {
        if (has_failed_) return;
        has_failed_ = true;
        diagnostics_.push_back({{file_, at}, std::move(text)});
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              Node::Kind kind) {
        const auto at = position_of(mark);
        // "?" and "!" are what yaml-cpp calls plain and quoted scalars without a tag.
        if (!tag.empty() && tag != "?" && tag != "!")
            fail(at, "tags (" + tag + ") are not allowed");
        if (anchor != YAML::NullAnchor) fail(at, "anchors (&name) are not allowed");
        if (path_.size() >= max_document_depth) fail(at, "nested deeper than 16 levels");
        if (has_failed_) return;
        Node node;
        node.kind = kind;
        node.at = at;
        path_.push_back(std::move(node));
        keys_.emplace_back();
    }

    // The innermost node is complete, and becomes a part of the one around it.
    void close() {
        if (has_failed_) return;
        Node node = std::move(path_.back());
        path_.pop_back();
        keys_.pop_back();
        if (path_.empty()) {
            root_ = std::move(node);
        } else if (path_.back().kind == Node::Kind::List) {
            path_.back().items.push_back(std::move(node));
        } else {
            add_to_map(path_.back(), keys_.back(), std::move(node));
        }
    }

    // In a map keys and values come in turn.
    void add_to_map(Node& map, std::optional<Node>& key, Node node) {
        if (!key) {
            if (node.kind != Node::Kind::Scalar) return fail(node.at, "a key must be a word");
            if (map.entries.size() >= max_map_entries) {
                return fail(node.at, "more than 8192 keys in one map");
            }
            key = std::move(node);
            return;
        }
        NodeEntry entry{std::move(key->scalar), key->at, std::move(node)};
        key.reset();
        const auto same =
            std::find_if(map.entries.begin(), map.entries.end(),
                         [&](const NodeEntry& other) { return other.key == entry.key; });
        if (same != map.entries.end()) {
            diagnostics_.push_back({{file_, entry.at},
                                    "'" + entry.key + "' is given twice, first at " +
                                        to_text(Place{file_, same->at})});
            return;
        }
        map.entries.push_back(std::move(entry));
    }

    std::string file_;
    std::vector<Diagnostic>& diagnostics_;
    std::vector<Node> path_;                 // From the outermost open node to the innermost.
    std::vector<std::optional<Node>> keys_;  // The key that waits for its value, at each level.
    Node root_;
    int documents_ = 0;
    bool has_failed_ = false;
};

// yaml-cpp complains of what follows a tab, not of the tab.
bool is_indented_by_tab(std::string_view text, Position at) {
    for (std::size_t line = 1; line < at.line && !text.empty(); ++line) {
        text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    }
    const auto indent = text.substr(0, std::min(text.find_first_not_of(" \t"), text.size()));
    return indent.find('\t') != std::string_view::npos;
}

}  // namespace

Document read_document(const std::string& file, std::string_view text) {
    Document document;
    if (text.size() > max_document_size) {
        document.diagnostics.push_back({{file, {}}, "larger than 1 MiB"});
        return document;
    }
    // yaml-cpp takes a quoted text without its last quote for complete if a line ends behind it.
    text = text.substr(0, text.find_last_not_of(" \n\r") + 1);
    Builder builder{file, document.diagnostics};
    try {
        std::istringstream stream{std::string{text}};
        YAML::Parser parser{stream};
        while (!builder.has_failed() && parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& error) {
        if (builder.has_failed()) return document;
        const auto at = position_of(error.mark);
        document.diagnostics.push_back(
            {{file, at},
             "not valid YAML: " + error.msg +
                 (is_indented_by_tab(text, at) ? " (indent with spaces, not tabs)" : "")});
        return document;
    }
    if (!builder.has_failed()) document.root = builder.take_root();
    return document;
}

}  // namespace relay
