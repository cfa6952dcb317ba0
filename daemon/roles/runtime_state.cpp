#include "daemon/roles/runtime_state.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "common/base/text.h"
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

bool is_invitation(std::string_view line) {
    return line.starts_with('@');  // No home's name does.
}

std::string line_of(const RuntimeInvitation& entry) {
    std::string line = fmt::format("@{} {} {} {}", entry.home, entry.created_unix_s,
                                   entry.expires_unix_s, trim(public_key_line(entry.key, "")));
    for (const auto& forward : entry.forwards) {
        line += fmt::format(" {}>{}", to_text(forward.listen), to_text(forward.target));
    }
    return line;
}

Result<RuntimeInvitation> parse_runtime_invitation(std::string_view line) {
    const Error malformed{ErrorCode::Malformed,
                          "not @HOME CREATED EXPIRES ssh-ed25519 KEY LISTEN>TARGET…"};
    const auto words = words_of(line);
    if (words.size() < 5 || !is_invitation(line)) return malformed;
    RuntimeInvitation entry;
    entry.home = words[0].substr(1);
    const Status name_ok = check_home_name(entry.home);
    if (!name_ok) return name_ok.error();
    const auto created = number_of(words[1], unix_most_s);
    const auto expires = number_of(words[2], unix_most_s);
    const auto key = parse_public_key_line(words[3] + " " + words[4]);
    if (!created || !expires || !key) return malformed;
    entry.created_unix_s = *created;
    entry.expires_unix_s = *expires;
    entry.key = key->key;
    for (std::size_t i = 5; i < words.size(); ++i) {
        const std::size_t arrow = words[i].find('>');
        if (arrow == std::string::npos) return malformed;
        const auto listen = parse_listen(words[i].substr(0, arrow));
        const auto target = parse_host_port_range(words[i].substr(arrow + 1));
        if (!listen || !target) return malformed;
        entry.forwards.push_back({*listen, *target});
    }
    return entry;
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
