// What a tunnel through GET and POST says in its URLs and in the bodies of its answers
// (docs/PROTOCOL.md section 9).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace relay {

inline constexpr std::uint8_t poll_version = 1;
inline constexpr std::size_t poll_body_most_bytes = std::size_t{64} << 10;
inline constexpr std::size_t poll_body_least_bytes = std::size_t{1} << 10;
// Before the home has proved its key.
inline constexpr std::size_t poll_body_unproven_bytes = std::size_t{16} << 10;
// What each end keeps, in each direction.
inline constexpr std::size_t poll_window_bytes = std::size_t{256} << 10;
inline constexpr std::uint64_t poll_numbers_ahead = 16;
inline constexpr std::size_t poll_answer_most_bytes = poll_body_most_bytes + 64;

using PollTunnelId = std::array<std::uint8_t, 16>;

struct PollRequest {
    enum class Kind { Open, Up, Down };
    Kind kind = Kind::Open;
    PollTunnelId tunnel{};
    std::uint64_t ticket = 0;
    std::uint64_t at = 0;    // Up: the offset of the body. Down: the number.
    std::uint64_t done = 0;  // All numbers below it have been answered.

    bool operator==(const PollRequest&) const = default;
};

// "/anything/relayd-poll/0123…/up/17/65536/3". `prefix` ends without a slash.
std::string poll_path(std::string_view prefix, const PollRequest& request);

// True for every path that is meant for a tunnel, be it well formed or not.
bool is_poll_path(std::string_view path);
std::optional<PollRequest> parse_poll_path(std::string_view path);

struct PollAnswer {
    enum class Kind : std::uint8_t { Opened = 1, Taken = 2, Piece = 3, Gone = 4 };
    Kind kind = Kind::Gone;
    std::uint32_t body_most = 0;  // Opened.
    std::uint64_t offset = 0;     // Taken: up to where. Piece: of the first one.
    bool ended = false;           // Piece: the tunnel ends behind them.
    Bytes bytes = {};             // Borrowed from what was parsed.
};

ByteVector poll_answer(const PollAnswer& answer);
// Nothing for what did not come from a relay.
std::optional<PollAnswer> parse_poll_answer(Bytes body);

}  // namespace relay
