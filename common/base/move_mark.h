// What a process was about when it was killed: moving bytes between a socket and memory that
// outlives it. For sockets whose bytes the kernel does not count; see docs/decisions/0025.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace relay {

// One is enough for a process: it makes one call at a time.
struct MoveMark {
    enum class Way : std::uint64_t { FromSocket = 1, ToSocket = 2 };

    std::uint64_t socket = 0;  // Its id, as LocalSocket has it; 0: nothing is being moved.
    Way way = Way::FromSocket;
    std::uint64_t from = 0;  // The offset in the stream of the first byte that is moved.
    // What the kernel is called with. It writes there how many bytes it has moved before it lets
    // go of the process, even of one that is killed.
    alignas(8) std::array<std::byte, 64> call{};
};

static_assert(std::is_trivially_copyable_v<MoveMark>);

}  // namespace relay
