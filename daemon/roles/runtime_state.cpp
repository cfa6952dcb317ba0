#include "daemon/roles/runtime_state.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "common/crypto/ssh_public_key.h"
#include "common/settings/forward.h"

namespace relay {

namespace {

std::vector<std::string> words_of(std::string_view line) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

constexpr std::int64_t grace_most_s = 24 * 3600;
constexpr std::int64_t unix_most_s = 32503680000;  // The year 3000.

std::optional<std::int64_t> number_of(const std::string& text, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > most)
        return std::nullopt;
    return value;
}

}  // namespace

std::string line_of(const RuntimeKey& key) {
    const std::string from =
        key.key.from.empty() ? "" : fmt::format("from=\"{}\" ", fmt::join(key.key.from, ","));
    return fmt::format("{} {}{}", key.home, from, public_key_line(key.key.key, key.key.comment));
}

Result<RuntimeKey> parse_runtime_key(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return Error{ErrorCode::Malformed, "no key"};
    const std::string name{line.substr(0, space)};
    const Status name_ok = check_home_name(name);
    if (!name_ok) return name_ok.error();
    const auto key = parse_authorized_key(line.substr(space + 1));
    if (!key) return Error{key.error().code, key.error().text};
    if (!*key) return Error{ErrorCode::Malformed, "no key"};
    return RuntimeKey{name, **key};
}

std::string line_of(const RuntimeForward& entry) {
    const auto grace = std::chrono::duration_cast<std::chrono::seconds>(entry.forward.grace);
    return fmt::format("{} {} {} {} {} {}", entry.home, to_text(entry.forward.listen),
                       to_text(entry.forward.target), probe_kind_name(entry.forward.probe),
                       grace.count(),
                       entry.expires_unix_s ? std::to_string(*entry.expires_unix_s) : "-");
}

Result<RuntimeForward> parse_runtime_forward(std::string_view line) {
    const auto words = words_of(line);
    const Error malformed{ErrorCode::Malformed,
                          "not HOME LISTEN TARGET PROBE GRACE-SECONDS EXPIRES"};
    if (words.size() != 6) return malformed;
    const Status name_ok = check_home_name(words[0]);
    if (!name_ok) return name_ok.error();
    const auto forwards = parse_forward(words[1], words[2]);
    if (!forwards) return forwards.error();
    const auto probe = probe_kind_of(words[3]);
    const auto grace = number_of(words[4], grace_most_s);
    const auto expires = number_of(words[5], unix_most_s);
    if (forwards->size() != 1 || !probe || !grace || (!expires && words[5] != "-")) {
        return malformed;
    }
    RuntimeForward entry{words[0], forwards->front(), expires};
    entry.forward.probe = *probe;
    entry.forward.grace = std::chrono::seconds(*grace);
    return entry;
}

}  // namespace relay
