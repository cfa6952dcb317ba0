// What names the things of a session.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/strong_id.h"
#include "common/wire/limits.h"

namespace relay {

// One forwarded TCP connection. Even: opened by the relay. Odd: opened by the home. 0: the control
// stream. Never used twice in a session.
using StreamId = StrongId<struct StreamTag, std::uint64_t>;
inline constexpr StreamId control_stream{0};

// One carrier of a session, as its driver numbers them. Local: never on the wire.
using CarrierId = StrongId<struct CarrierTag, std::uint32_t>;

// Chosen by the relay, by chance. All zero: no session.
using SessionId = std::array<std::uint8_t, wire::session_id_bytes>;

enum class Side : std::uint8_t { Relay, Home };

}  // namespace relay
