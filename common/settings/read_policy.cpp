#include "common/base/text.h"
#include "common/settings/sections.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

Result<std::optional<std::uint64_t>> parse_rate(std::string_view text) {
    const std::string_view size = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
    const auto rate = parse_size(trim(size));
    if (rate && *rate >= rate_least && *rate <= rate_most) return std::optional{*rate};
    return Error{ErrorCode::Malformed, "'" + std::string{text} +
                                           "' is no rate: write bytes a second, such as 512KiB or "
                                           "10MiB/s, at least 1KiB"};
}

Result<std::string> parse_user(std::string_view text) {
    constexpr std::size_t user_name_most = 32;
    const bool is_short = !text.empty() && text.size() <= user_name_most;
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    if (is_short && text.find_first_not_of(allowed) == std::string_view::npos) {
        return std::string{text};
    }
    return Error{ErrorCode::Malformed, "'" + std::string{text} + "' is no user's name"};
}

}  // namespace

void read_policy(MapReader& reader, Policy& policy) {
    reader.scalar("streams", policy.streams,
                  [](std::string_view text) -> Result<std::optional<std::size_t>> {
                      const auto count = number_between<std::size_t>(1, 16384)(text);
                      if (!count) return count.error();
                      return std::optional{*count};
                  });
    reader.scalar("rate", policy.rate, parse_rate);
    reader.scalars("hours", max_hours_rules, policy.hours, parse_hours);
}

void read_accept_hook(MapReader& relay, Source& source, AcceptHook& hook) {
    const Node* node = relay.find("accept-hook");
    if (node == nullptr) return;
    if (node->kind == Node::Kind::Scalar) {
        relay.scalar("accept-hook", hook.program, parse_path);
        return;
    }
    MapReader reader{*node, relay.path_of("accept-hook"), source};
    if (reader.require("program", "/usr/local/lib/relayd/accept") != nullptr) {
        reader.scalar("program", hook.program, parse_path);
    }
    reader.scalar("user", hook.user, parse_user);
    reader.duration("timeout", hook.timeout, {.least = 100ms, .most = 60s});
    reader.scalar("at-once", hook.at_once, number_between<unsigned>(1, max_hooks_at_once));
    reader.refuse_others();
}

}  // namespace relay
