#include "ctl/candidates.h"

#include <algorithm>
#include <optional>

#include "common/base/probe_kind.h"

namespace relay {
namespace {

// A command's usage, taken apart.
struct Usage {
    struct Option {
        std::string_view name;
        std::string_view value;  // "HOME"; empty: it takes none.
    };
    std::vector<Option> options = {
        {"--help", {}}, {"--json", {}}, {"--control", "SOCKET"}};  // Of every command.
    std::vector<std::string_view> places;                          // "LISTEN", "bash|zsh|fish"
};

Usage usage_of(std::string_view text) {
    Usage usage;
    bool wants_value = false;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool begins_group = word.starts_with('[');
        if (begins_group) word.remove_prefix(1);
        const auto close = word.find(']');
        const bool ends_group = close != std::string_view::npos;
        word = word.substr(0, close);
        if (word.empty()) continue;
        if (word.starts_with("--")) {
            usage.options.push_back({word, {}});
            wants_value = !ends_group;
        } else if (wants_value) {
            usage.options.back().value = word;
            wants_value = false;
        } else {
            usage.places.push_back(word);
        }
    }
    return usage;
}

class Completing {
public:
    Completing(std::span<const Command> table, const KnownNames& names)
        : table_(table), names_(names) {}

    std::vector<Candidate> run(std::span<const std::string> words) {
        const std::string current = words.empty() ? std::string{} : words.back();
        for (const std::string& word : words.first(words.empty() ? 0 : words.size() - 1)) {
            take(word);
        }
        if (!value_.empty()) {
            offer_for(value_);
        } else if (current.starts_with('-')) {
            for (const auto& option : usage_.options) found_.push_back({std::string{option.name}});
            if (name_.empty()) found_.push_back({"--version"});
        } else {
            offer_words();
        }
        std::erase_if(found_, [&](const Candidate& each) {
            return each.text != any_file && !each.text.starts_with(current);
        });
        return std::move(found_);
    }

private:
    void take(const std::string& word) {
        if (value_ == "SOCKET") control_ = word;
        if (!std::exchange(value_, {}).empty()) return;
        if (word.starts_with("--")) {
            const auto option = std::find_if(usage_.options.begin(), usage_.options.end(),
                                             [&](const auto& each) { return each.name == word; });
            if (option != usage_.options.end()) value_ = option->value;
            return;
        }
        const std::string longer = name_.empty() ? word : name_ + " " + word;
        if (place_ == 0 && begins_command(longer)) {
            name_ = longer;
            const auto command = std::find_if(table_.begin(), table_.end(),
                                              [&](const Command& c) { return c.name == name_; });
            usage_ = usage_of(command == table_.end() ? std::string_view{} : command->usage);
        } else {
            ++place_;
        }
    }

    bool begins_command(const std::string& text) const {
        return std::any_of(table_.begin(), table_.end(), [&](const Command& command) {
            return command.name == text || command.name.starts_with(text + " ");
        });
    }

    void offer_words() {
        if (place_ == 0) offer_commands();
        if (place_ < usage_.places.size()) offer_for(usage_.places[place_]);
    }

    // The next words of commands that go on from what stands there.
    void offer_commands() {
        const std::string before = name_.empty() ? name_ : name_ + " ";
        for (const Command& command : table_) {
            if (!command.name.starts_with(before) || command.name == name_) continue;
            const std::string_view rest = command.name.substr(before.size());
            const bool is_group = rest.find(' ') != std::string_view::npos;
            const std::string word{rest.substr(0, rest.find(' '))};
            const auto known = std::find_if(found_.begin(), found_.end(),
                                            [&](const auto& each) { return each.text == word; });
            if (known != found_.end()) continue;
            found_.push_back({word, is_group ? std::string_view{} : command.summary});
        }
    }

    void offer_for(std::string_view place) {
        if (place == "SOCKET" || place == "KEY" || place == "FILE") {
            found_.push_back({std::string{any_file}});
        } else if (place == "KIND") {
            for (const auto& [kind, name] : probe_kind_names) found_.push_back({std::string{name}});
        } else if (place == "HOME" || place == "HOME|ID" || place == "NAME") {
            for (std::string& home : names_.homes(control_)) found_.push_back({std::move(home)});
        } else if (place == "GATE" && names_.gates) {
            for (std::string& gate : names_.gates(control_)) found_.push_back({std::move(gate)});
        } else if (place == "LISTEN" || place == "PORT") {
            for (std::string& listen : names_.listens(control_)) {
                found_.push_back({std::move(listen)});
            }
        } else if (place.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos) {
            offer_alternatives(place);
        }
    }

    // "bash|zsh|fish"
    void offer_alternatives(std::string_view words) {
        while (!words.empty()) {
            const auto end = std::min(words.find('|'), words.size());
            found_.push_back({std::string{words.substr(0, end)}});
            words.remove_prefix(std::min(end + 1, words.size()));
        }
    }

    std::span<const Command> table_;
    const KnownNames& names_;
    std::string control_;
    std::string name_;        // As far as it stands there: "forward".
    Usage usage_;             // Of that command.
    std::size_t place_ = 0;   // How many words it has got.
    std::string_view value_;  // Of the option before the cursor; empty: there is none.
    std::vector<Candidate> found_;
};

}  // namespace

std::vector<Candidate> candidates_for(std::span<const Command> table,
                                      std::span<const std::string> words, const KnownNames& names) {
    return Completing{table, names}.run(words);
}

}  // namespace relay
