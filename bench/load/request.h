#pragma once

#include <cstddef>

namespace relay::bench {

// What a client wants of the target: the first byte of its connection. A sink's request goes on
// with the Window, 16 bytes as they lie in memory, since both ends are on one machine. When the
// window has passed, the sink sends the number of bytes it received within it, 8 bytes, and drains
// what comes.
enum class Request : char {
    Source = 's',  // Sends without end.
    Sink = 'k',    // Receives without end.
    Echo = 'e',    // Sends back what it receives.
};

// Pieces in which bulk data is handed to and taken from the kernel.
inline constexpr std::size_t bulk_piece = 256 * 1024;

}  // namespace relay::bench
