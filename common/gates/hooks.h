// Commands that are run when somebody has knocked, and when his time is over (docs/GATES.md,
// "Hooks"): which, when, and what of it must outlive the program that runs them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ip_address.h"
#include "common/base/result.h"
#include "common/settings/gate.h"

namespace relay {

// Where relayd-gate tells of knocks at gates that have hooks: one datagram each.
inline constexpr const char* usual_hooks_socket = "/run/relayd-hooks/knocks.sock";
inline constexpr std::size_t max_hook_news_bytes = 128;

// "open NAME ADDRESS", "close NAME ADDRESS".
struct HookNews {
    std::string gate;
    IpAddress from;
    bool has_opened = false;

    bool operator==(const HookNews&) const = default;
};
std::string to_text(const HookNews& news);
Result<HookNews> parse_hook_news(std::string_view text);

bool has_hooks(const GateSettings& gate);

struct HookCall {
    enum class Moment { Start, Stop };

    std::string gate;
    std::string address;
    Moment moment = Moment::Start;
    std::vector<std::string> words;  // The program and its arguments.

    bool operator==(const HookCall&) const = default;
};

// Who is in by which gate, as far as a command is owed for his leaving. The command is the one that
// the settings had when he came.
class HookBook {
public:
    // Of all gates together.
    static constexpr std::size_t max_owed = 4096;

    // What is to be run now; nothing for who is in already. TooLarge beyond the limit.
    Result<std::optional<HookCall>> opened(const HookNews& news, const GateSettings& gate,
                                           std::uint64_t unix_ms);
    // Before his time is over.
    std::optional<HookCall> closed(const HookNews& news);
    // Whose time is over, each once, until has_ended().
    std::vector<HookCall> due(std::uint64_t unix_ms);
    std::optional<std::uint64_t> next_ms() const;
    // A call has been made, well or not: only now it is not owed any more.
    void has_ended(const HookCall& call);

    // A line for each that is owed.
    std::string text() const;
    // Lines that make no sense are left out.
    void restore(std::string_view text);

private:
    struct Owed {
        std::uint64_t until_ms = 0;
        std::vector<std::string> words;
        bool is_under_way = false;
    };
    using Key = std::pair<std::string, std::string>;  // Gate and address.

    static HookCall take(const Key& key, Owed& owed);

    std::map<Key, Owed> owed_;
};

}  // namespace relay
