#include "daemon/app/completion.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace relay {

namespace {

bool is_file(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    return type == "FILE" || type == "DIR" || type == "SOCKET";
}

const CLI::Option* option_named(const CLI::App& app, std::string_view word) {
    for (const CLI::Option* option : app.get_options({})) {
        if (word.starts_with("--") && option->check_lname(std::string{word.substr(2)})) {
            return option;
        }
    }
    return nullptr;
}

// Where the words before the cursor have led.
struct Place {
    const CLI::App* app;
    const CLI::Option* wants_value = nullptr;
    std::size_t words = 0;  // That are no options of this command.
};

Place place_after(const CLI::App& app, std::span<char* const> words) {
    Place place{&app};
    for (const std::string word : words) {
        if (std::exchange(place.wants_value, nullptr) != nullptr) continue;
        const CLI::App* below = nullptr;
        for (const CLI::App* each : place.app->get_subcommands({})) {
            if (each->get_name() == word) below = each;
        }
        if (below != nullptr && place.words == 0) {
            place.app = below;
        } else if (word.starts_with('-')) {
            const CLI::Option* option = option_named(*place.app, word);
            const bool has_value = option != nullptr && option->get_items_expected_max() > 0;
            place.wants_value = has_value ? option : nullptr;
        } else {
            ++place.words;
        }
    }
    return place;
}

void print_one(const std::string& text, const std::string& summary, std::string_view begins) {
    if (!text.starts_with(begins)) return;
    fmt::print("{}\t{}\n", text, summary.substr(0, summary.find('\n')));
}

void print_options(const CLI::App& app, std::string_view begins) {
    for (const CLI::Option* option : app.get_options({})) {
        for (const std::string& name : option->get_lnames()) {
            print_one("--" + name, option->get_description(), begins);
        }
    }
}

// The place of a command's only file, as in `relayd check FILE`.
bool wants_file(const Place& place) {
    for (const CLI::Option* option : place.app->get_options({})) {
        if (option->get_positional() && place.words == 0 && is_file(*option)) return true;
    }
    return false;
}

}  // namespace

bool answer_completion(const CLI::App& app, std::span<char* const> arguments) {
    if (arguments.size() < 5 || std::string_view{arguments[1]} != "completion" ||
        std::string_view{arguments[2]} != "words" || std::string_view{arguments[3]} != "--") {
        return false;
    }
    const auto words = arguments.subspan(4);
    const std::string_view current = words.back();
    const Place place = place_after(app, words.first(words.size() - 1));
    if (place.wants_value != nullptr) {
        if (is_file(*place.wants_value)) fmt::print(":files\n");
    } else if (current.starts_with('-')) {
        print_options(*place.app, current);
    } else if (wants_file(place)) {
        fmt::print(":files\n");
    } else if (place.words == 0) {
        for (const CLI::App* each : place.app->get_subcommands({})) {
            print_one(each->get_name(), each->get_description(), current);
        }
    }
    return true;
}

}  // namespace relay
