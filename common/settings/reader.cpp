#include "common/settings/reader.h"

#include <algorithm>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::size_t max_text_size = 4096;

std::string quoted(std::string_view text) {
    return "'" + std::string{text} + "'";
}

std::string listed(const std::vector<std::string_view>& words) {
    std::string text;
    for (const auto word : words) {
        if (!text.empty()) text += ", ";
        text += word;
    }
    return text;
}

// "forwards" for "relay/homes/work-pc/forwards/3", since numbers mean nothing to who wrote the
// list.
std::string_view name_in(std::string_view path) {
    const auto last = path.substr(path.rfind('/') + 1);
    const bool is_index = last.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_index || last.size() == path.size()) return last;
    path.remove_suffix(last.size() + 1);
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

void Source::wrong(Position at, std::string text) {
    diagnostics.push_back({{file, at}, std::move(text)});
}

void Source::wrong(const Node& node, std::string text) {
    wrong(node.at, std::move(text));
}

void Source::remember(const std::string& path, Position at) {
    places.try_emplace(path, Place{file, at});
}

bool is_scalar(const Node& node, std::string_view name, Source& source) {
    switch (node.kind) {
        case Node::Kind::Scalar: return true;
        case Node::Kind::Empty: source.wrong(node, quoted(name) + " has no value"); return false;
        case Node::Kind::List:
            source.wrong(node, quoted(name) + " must be a single value, not a list");
            return false;
        case Node::Kind::Map:
            source.wrong(node, quoted(name) + " must be a single value, not a map");
            return false;
    }
    return false;
}

MapReader::MapReader(const Node& node, std::string path, Source& source)
    : node_(node), path_(std::move(path)), source_(source) {
    if (node.kind == Node::Kind::Map || node.kind == Node::Kind::Empty) return;
    const auto name = name_in(path_);
    source_.wrong(node, (path_.empty() ? "the settings" : quoted(name)) +
                            " must be a map, with lines such as KEY: VALUE");
}

std::string MapReader::path_of(std::string_view key) const {
    return path_.empty() ? std::string{key} : path_ + "/" + std::string{key};
}

const Node* MapReader::find(std::string_view key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
    for (const auto& entry : node_.entries) {
        if (entry.key != key) continue;
        source_.remember(path_of(key), entry.at);
        return &entry.value;
    }
    return nullptr;
}

const Node* MapReader::require(std::string_view key, std::string_view example) {
    const Node* node = find(key);
    const bool can_be_there = node_.kind == Node::Kind::Map || node_.kind == Node::Kind::Empty;
    if (node == nullptr && can_be_there) {
        source_.wrong(node_, quoted(key) + " is missing: write " + std::string{key} + ": " +
                                 std::string{example});
    }
    return node;
}

void MapReader::duration(std::string_view key, Duration& into, const Range& allowed) {
    scalar(key, into, [&](std::string_view text) -> Result<Duration> {
        const auto value = parse_duration(text);
        if (!value) return value;
        const bool is_zero_allowed = allowed.zero == Range::Zero::Allowed;
        const bool is_allowed = (*value == Duration{} && is_zero_allowed) ||
                                (allowed.least <= *value && *value <= allowed.most);
        if (is_allowed) return value;
        return Error{ErrorCode::Malformed, std::string{text} + " is not allowed: write " +
                                               (is_zero_allowed ? "0 or " : "") +
                                               duration_text(allowed.least) + " to " +
                                               duration_text(allowed.most)};
    });
}

void MapReader::path(std::string_view key, std::string& into) {
    scalar(key, into, parse_path);
}

void MapReader::path_or_credential(std::string_view key, std::string& into) {
    scalar(key, into, parse_path_or_credential);
}

void MapReader::list(std::string_view key, std::size_t most, const Item& item) {
    const Node* node = find(key);
    if (node == nullptr || node->kind == Node::Kind::Empty) return;
    const auto path = path_of(key);
    if (node->kind != Node::Kind::List) {
        source_.remember(path + "/0", node->at);
        item(*node, path + "/0");
        return;
    }
    if (node->items.size() > most) {
        source_.wrong(*node, quoted(key) + " has more than " + std::to_string(most) + " elements");
        return;
    }
    for (std::size_t i = 0; i < node->items.size(); ++i) {
        const auto item_path = path + "/" + std::to_string(i);
        source_.remember(item_path, node->items[i].at);
        item(node->items[i], item_path);
    }
}

void MapReader::refuse_others() {
    for (const auto& entry : node_.entries) {
        if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
        const auto nearest = nearest_word(entry.key, known_);
        const auto name = name_in(path_);
        source_.wrong(entry.at, "unknown setting " + quoted(entry.key.substr(0, 64)) +
                                    (name.empty() ? "" : " in " + quoted(name)) + ": " +
                                    (nearest.empty() ? "allowed are " + listed(known_)
                                                     : "did you mean " + quoted(nearest) + "?"));
    }
}

Result<std::string> parse_text(std::string_view text) {
    if (text.empty()) return Error{ErrorCode::Malformed, "must not be empty"};
    if (text.size() > max_text_size) {
        return Error{ErrorCode::TooLarge, "longer than 4096 bytes"};
    }
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
    });
    if (has_control) return Error{ErrorCode::Malformed, "must be one line of plain text"};
    return std::string{text};
}

Result<unsigned> parse_mode(std::string_view text) {
    const bool is_octal = (text.size() == 3 || (text.size() == 4 && text.front() == '0')) &&
                          text.find_first_not_of("01234567") == std::string_view::npos;
    if (!is_octal) {
        return Error{ErrorCode::Malformed,
                     quoted(text) + " is no mode of a file: write it as 0660 or 600"};
    }
    unsigned mode = 0;
    for (const char digit : text) mode = mode * 8 + static_cast<unsigned>(digit - '0');
    return mode;
}

Result<std::string> parse_group(std::string_view text) {
    auto group = parse_text(text);
    const bool is_word = group && text.find_first_of(" :/,") == std::string_view::npos;
    if (is_word) return group;
    return Error{ErrorCode::Malformed, "expected the name of a group"};
}

Result<std::string> parse_path(std::string_view text) {
    auto path = parse_text(text);
    if (path && !text.starts_with('/')) {
        return Error{ErrorCode::Malformed, quoted(text) + " must be a path that begins with /"};
    }
    return path;
}

Result<std::string> parse_path_or_credential(std::string_view text) {
    constexpr std::string_view prefix = "credential:";
    if (!text.starts_with(prefix)) return parse_path(text);
    const std::string_view name = text.substr(prefix.size());
    const bool is_name = !name.empty() && name.front() != '.' && name.size() <= 255 &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
                         });
    if (!is_name) {
        return Error{ErrorCode::Malformed,
                     quoted(text) +
                         " names no credential: letters, digits, dots, dashes and "
                         "underscores, as in credential:relay.key"};
    }
    return std::string{text};
}

Result<bool> parse_switch(std::string_view text) {
    if (text == "yes" || text == "no") return text == "yes";
    return Error{ErrorCode::Malformed, "'" + std::string{text} + "' must be yes or no"};
}

}  // namespace relay
