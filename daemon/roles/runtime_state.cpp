#include "daemon/roles/runtime_state.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "common/base/text.h"
#include "common/crypto/ssh_public_key.h"
#include "common/settings/forward.h"
#include "common/settings/reader.h"

namespace relay {

namespace {

std::vector<std::string> words_of(std::string_view line) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

constexpr std::string_view reach_word = "may-reach";
constexpr std::string_view home_word = "home";
constexpr std::string_view proxy_word = "proxy-protocol";
constexpr std::string_view protocol_word = "protocol=";
constexpr std::string_view data_ports_word = "data-ports=";
constexpr std::string_view ftp_tls_word = "ftp-tls=";
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
    return fmt::format("{} {}{}", key.owner, from, public_key_line(key.key.key, key.key.comment));
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

bool is_runtime_reach(std::string_view line) {
    const auto words = words_of(line);
    return words.size() > 1 && words[1] == reach_word;
}

std::string line_of(const RuntimeReach& reach) {
    std::string line = fmt::format("{} {}", reach.visitor, reach_word);
    for (const ReachRule& rule : reach.rules) line += " " + to_text(rule);
    return line;
}

Result<RuntimeReach> parse_runtime_reach(std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2 || words[1] != reach_word) {
        return Error{ErrorCode::Malformed, "not VISITOR may-reach HOME:PORT…"};
    }
    const Status name_ok = check_visitor_name(words[0]);
    if (!name_ok) return name_ok.error();
    RuntimeReach reach{words[0], {}};
    for (std::size_t i = 2; i < words.size(); ++i) {
        const auto rule = parse_reach_rule(words[i]);
        if (!rule) return rule.error();
        reach.rules.push_back(*rule);
    }
    return reach;
}

bool is_runtime_permission(std::string_view line) {
    const auto words = words_of(line);
    return words.size() > 2 && words[1] == "may";
}

std::string line_of(const RuntimePermission& permission) {
    std::string line = permission.home + " may listen";
    for (const ListenRule& rule : permission.listen) line += " " + to_text(rule);
    line += " reach";
    for (const ReachRule& rule : permission.reach) line += " " + to_text(rule);
    return line;
}

Result<RuntimePermission> parse_runtime_permission(std::string_view line) {
    const auto words = words_of(line);
    const Error malformed{ErrorCode::Malformed, "not HOME may listen PORTS… reach HOME:PORT…"};
    if (words.size() < 4 || words[1] != "may" || words[2] != "listen") return malformed;
    const Status name_ok = check_home_name(words[0]);
    if (!name_ok) return name_ok.error();
    RuntimePermission permission{words[0], {}, {}};
    std::size_t i = 3;
    for (; i < words.size() && words[i] != "reach"; ++i) {
        const auto rule = parse_listen_rule(words[i]);
        if (!rule) return rule.error();
        permission.listen.push_back(*rule);
    }
    if (i == words.size()) return malformed;
    for (++i; i < words.size(); ++i) {
        const auto rule = parse_reach_rule(words[i]);
        if (!rule) return rule.error();
        permission.reach.push_back(*rule);
    }
    return permission;
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
        const auto target = parse_place(words[i].substr(arrow + 1));
        if (!listen || !target) return malformed;
        entry.forwards.push_back({*listen, *target});
    }
    return entry;
}

namespace {

std::string file_text(const SocketFile& file) {
    if (file == SocketFile{}) return {};
    return fmt::format(" mode={:04o}", file.mode) +
           (file.group.empty() ? "" : " group=" + file.group);
}

std::string ftp_text(const FtpForward& ftp) {
    if (!ftp.is_on) return {};
    std::string text = fmt::format(" {}ftp", protocol_word);
    if (ftp.data_ports) text += fmt::format(" {}{}", data_ports_word, to_text(*ftp.data_ports));
    if (ftp.refuses_tls) text += fmt::format(" {}refuse", ftp_tls_word);
    return text;
}

// The words behind those that each forward has; nothing: one is unknown.
std::optional<ForwardSettings> parse_options(const std::vector<std::string>& words,
                                             const ForwardSettings& forward) {
    ForwardSettings options;
    FtpTexts ftp;
    constexpr std::string_view mode_word = "mode=", group_word = "group=", gate_word = "gate=";
    for (const std::string_view word : words) {
        if (word == proxy_word) {
            options.proxy_protocol = true;
        } else if (word.starts_with(mode_word)) {
            const auto mode = parse_mode(word.substr(mode_word.size()));
            if (!mode) return std::nullopt;
            options.file.mode = *mode;
        } else if (word.starts_with(group_word)) {
            const auto group = parse_group(word.substr(group_word.size()));
            if (!group) return std::nullopt;
            options.file.group = *group;
        } else if (word.starts_with(gate_word)) {
            const auto gate = parse_gate_name(word.substr(gate_word.size()));
            if (!gate) return std::nullopt;
            options.gate = *gate;
        } else if (word.starts_with(protocol_word)) {
            ftp.protocol = word.substr(protocol_word.size());
        } else if (word.starts_with(data_ports_word)) {
            ftp.data_ports = word.substr(data_ports_word.size());
        } else if (word.starts_with(ftp_tls_word)) {
            ftp.tls = word.substr(ftp_tls_word.size());
        } else {
            return std::nullopt;
        }
    }
    const auto parsed = parse_ftp(ftp, forward);
    if (!parsed) return std::nullopt;
    options.ftp = *parsed;
    return options;
}

}  // namespace

std::string line_of(const RuntimeForward& entry) {
    const auto grace = std::chrono::duration_cast<std::chrono::seconds>(entry.forward.grace);
    const std::string expires = entry.is_homes         ? std::string(home_word)
                                : entry.expires_unix_s ? std::to_string(*entry.expires_unix_s)
                                                       : "-";
    return fmt::format("{} {} {} {} {} {}{}{}{}{}", entry.home, to_text(entry.forward.listen),
                       to_text(entry.forward.target), probe_kind_name(entry.forward.probe),
                       grace.count(), expires,
                       entry.forward.proxy_protocol ? fmt::format(" {}", proxy_word) : "",
                       file_text(entry.forward.file), ftp_text(entry.forward.ftp),
                       entry.forward.gate.empty() ? "" : " gate=" + entry.forward.gate);
}

Result<RuntimeForward> parse_runtime_forward(std::string_view line) {
    const auto words = words_of(line);
    const Error malformed{ErrorCode::Malformed,
                          "not HOME LISTEN TARGET PROBE GRACE-SECONDS EXPIRES"};
    if (words.size() < 6) return malformed;
    const Status name_ok = check_home_name(words[0]);
    if (!name_ok) return name_ok.error();
    const auto forwards = parse_forward(words[1], words[2]);
    if (!forwards) return forwards.error();
    const auto options = parse_options({words.begin() + 6, words.end()}, forwards->front());
    if (!options) return malformed;
    const auto probe = probe_kind_of(words[3]);
    const auto grace = number_of(words[4], grace_most_s);
    const auto expires = number_of(words[5], unix_most_s);
    const bool is_homes = words[5] == home_word;
    if (forwards->size() != 1 || !probe || !grace || (!expires && !is_homes && words[5] != "-")) {
        return malformed;
    }
    RuntimeForward entry{words[0], forwards->front(), expires, is_homes};
    entry.forward.proxy_protocol = options->proxy_protocol;
    entry.forward.file = options->file;
    entry.forward.ftp = options->ftp;
    entry.forward.gate = options->gate;
    entry.forward.probe = *probe;
    entry.forward.grace = std::chrono::seconds(*grace);
    return entry;
}

}  // namespace relay
