// All that is kept of a session beside its streams, as plain data that an arena keeps.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/base/time.h"
#include "common/session/ids.h"
#include "common/session/record_chain.h"

namespace relay {

struct SessionRecord {
    ChainLink link;
    BlockOffset streams = 0;  // The first one's record.
    SessionId id{};
    Side side{};
    std::uint64_t next_stream = 0;   // The next one that we open.
    std::uint64_t peer_stream = 0;   // The highest that the peer has opened.
    TimePoint left_at{};             // When the last carrier left; 0 while there is one.
    std::uint16_t peer_version = 0;  // Of the protocol, as last heard.
    std::uint8_t owner_size = 0;
    std::array<char, wire::home_name_max_bytes> owner{};  // See SessionOptions.

    std::string_view owner_name() const {
        return {owner.data(), std::min<std::size_t>(owner_size, owner.size())};
    }
    void set_owner(std::string_view name) {
        owner_size = static_cast<std::uint8_t>(std::min(name.size(), owner.size()));
        std::copy_n(name.begin(), owner_size, owner.begin());
    }
};

static_assert(std::is_trivially_copyable_v<SessionRecord>);

}  // namespace relay
