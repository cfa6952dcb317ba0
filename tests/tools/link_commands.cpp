#include "tests/tools/link_commands.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <vector>

namespace relay::linkemu {

namespace {

using Change = std::function<void(Direction&, double)>;

const std::map<std::string, Change, std::less<>>& changes() {
    static const std::map<std::string, Change, std::less<>> table{
        {"delay", [](auto& to, double value) { to.conditions.delay = Milliseconds(value); }},
        {"jitter", [](auto& to, double value) { to.conditions.jitter = Milliseconds(value); }},
        {"rate", [](auto& to, double value) { to.conditions.rate_mbit_s = value; }},
        {"queue", [](auto& to, double value) { to.conditions.queue = Milliseconds(value); }},
        {"loss", [](auto& to, double value) { to.conditions.loss = value; }},
    };
    return table;
}

std::vector<std::string> words_of(std::string_view line) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

std::optional<double> not_negative(const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(value >= 0)) return std::nullopt;
    return value;
}

// Which of the directions `words` end with; takes that word away.
std::span<Direction> chosen(std::vector<std::string>& words, Directions& directions) {
    const std::span all(directions);
    if (words.size() < 2 || (words.back() != "ab" && words.back() != "ba")) return all;
    const bool back = words.back() == "ba";
    words.pop_back();
    return all.subspan(back ? 1 : 0, 1);
}

std::string shown(const Direction& direction) {
    const auto& counters = direction.counters();
    return fmt::format(R"({{"packets":{},"bytes":{},"dropped":{},"lost":{},"queued_bytes":{}}})",
                       counters.delivered_packets, counters.delivered_bytes, counters.dropped,
                       counters.lost, direction.queued_bytes());
}

}  // namespace

std::string obey(std::string_view line, Directions& directions) {
    auto words = words_of(line);
    const auto affected = chosen(words, directions);
    if (words.empty()) return "error: no command";
    if (words.size() == 1 && words[0] == "show")
        return fmt::format(R"({{"ab":{},"ba":{}}})", shown(directions[0]), shown(directions[1]));
    if (words.size() == 1 && (words[0] == "cut" || words[0] == "heal")) {
        for (auto& each : affected) words[0] == "cut" ? each.cut() : each.heal();
        return "ok";
    }
    const auto change = changes().find(words[0]);
    if (change == changes().end()) return "error: unknown command " + words[0];
    const auto value = words.size() == 2 ? not_negative(words[1]) : std::nullopt;
    if (!value) return fmt::format("error: {} needs one number, 0 or more", words[0]);
    for (auto& each : affected) change->second(each, *value);
    return "ok";
}

}  // namespace relay::linkemu
