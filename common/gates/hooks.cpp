#include "common/gates/hooks.h"

#include <algorithm>
#include <charconv>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::string_view placeholder = "%IP%";

// An address has digits, letters, dots and colons alone, so that it changes the meaning of no
// command.
std::vector<std::string> with_address(std::vector<std::string> words, const std::string& address) {
    for (std::string& word : words) {
        for (auto at = word.find(placeholder); at != word.npos; at = word.find(placeholder, at)) {
            word.replace(at, placeholder.size(), address);
            at += address.size();
        }
    }
    return words;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

std::uint64_t ms_in(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

std::string to_text(const HookNews& news) {
    return std::string{news.has_opened ? "open " : "close "} + news.gate + " " + to_text(news.from);
}

Result<HookNews> parse_hook_news(std::string_view text) {
    const Error wrong{ErrorCode::Malformed, "no news of a gate"};
    const auto words = split(text, ' ');
    if (words.size() != 3 || (words[0] != "open" && words[0] != "close")) return wrong;
    const auto gate = parse_gate_name(words[1]);
    const auto from = parse_ip_address(words[2]);
    if (!gate || !from) return wrong;
    return HookNews{*gate, *from, words[0] == "open"};
}

bool has_hooks(const GateSettings& gate) {
    return !gate.start_command.empty() || !gate.stop_command.empty();
}

Result<std::optional<HookCall>> HookBook::opened(const HookNews& news, const GateSettings& gate,
                                                 std::uint64_t unix_ms) {
    const Key key{news.gate, to_text(news.from)};
    if (!gate.stop_command.empty()) {
        const auto found = owed_.find(key);
        const bool is_in = found != owed_.end() && !found->second.is_under_way;
        const auto until = unix_ms + ms_in(gate.open_for);
        if (is_in) {
            found->second.until_ms = until;
            return std::optional<HookCall>{};
        }
        if (found == owed_.end() && owed_.size() == max_owed) {
            return Error{ErrorCode::TooLarge, "too many are in already"};
        }
        owed_[key] = {until, with_address(gate.stop_command, key.second), false};
    }
    if (gate.start_command.empty()) return std::optional<HookCall>{};
    return std::optional{HookCall{key.first, key.second, HookCall::Moment::Start,
                                  with_address(gate.start_command, key.second)}};
}

HookCall HookBook::take(const Key& key, Owed& owed) {
    owed.is_under_way = true;
    return {key.first, key.second, HookCall::Moment::Stop, owed.words};
}

std::optional<HookCall> HookBook::closed(const HookNews& news) {
    const auto found = owed_.find({news.gate, to_text(news.from)});
    if (found == owed_.end() || found->second.is_under_way) return {};
    return take(found->first, found->second);
}

std::vector<HookCall> HookBook::due(std::uint64_t unix_ms) {
    std::vector<HookCall> calls;
    for (auto& [key, owed] : owed_) {
        if (!owed.is_under_way && owed.until_ms <= unix_ms) calls.push_back(take(key, owed));
    }
    return calls;
}

std::optional<std::uint64_t> HookBook::next_ms() const {
    std::optional<std::uint64_t> next;
    for (const auto& [key, owed] : owed_) {
        if (owed.is_under_way) continue;
        next = std::min(next.value_or(owed.until_ms), owed.until_ms);
    }
    return next;
}

// Whoever has come again meanwhile is owed another one.
void HookBook::has_ended(const HookCall& call) {
    if (call.moment != HookCall::Moment::Stop) return;
    const auto found = owed_.find({call.gate, call.address});
    if (found != owed_.end() && found->second.is_under_way) owed_.erase(found);
}

// No word of the settings has a tab or the end of a line.
std::string HookBook::text() const {
    std::string text;
    for (const auto& [key, owed] : owed_) {
        text += key.first + "\t" + key.second + "\t" + std::to_string(owed.until_ms);
        for (const auto& word : owed.words) text += "\t" + word;
        text += "\n";
    }
    return text;
}

void HookBook::restore(std::string_view text) {
    for (const auto line : split(text, '\n')) {
        const auto fields = split(line, '\t');
        if (fields.size() < 4 || owed_.size() == max_owed) continue;
        const auto gate = parse_gate_name(fields[0]);
        const auto address = parse_ip_address(fields[1]);
        const auto until = number_in(fields[2]);
        if (!gate || !address || !until) continue;
        Owed owed{*until, {}, false};
        for (std::size_t i = 3; i < fields.size(); ++i) owed.words.emplace_back(fields[i]);
        owed_.emplace(Key{*gate, to_text(*address)}, std::move(owed));
    }
}

}  // namespace relay
