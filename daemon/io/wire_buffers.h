// Memory that all carriers of one loop share, since only one of them is at work at a time. What
// must outlast a callback is copied to the carrier itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace relay {

constexpr std::size_t max_record_plaintext = 16384;                      // RFC 8446 5.1
constexpr std::size_t max_record_wire = max_record_plaintext + 256 + 5;  // RFC 8446 5.2
constexpr std::size_t records_per_send = 4;
constexpr std::size_t max_gathered = records_per_send * max_record_wire;
constexpr std::size_t max_received = 128 * 1024;  // One recv().
// What is left of what came before is put in front of what comes.
constexpr std::size_t max_left_over = 64 * 1024;

struct WireBuffers {
    std::array<std::uint8_t, max_left_over + max_received> in;             // As received.
    std::array<std::uint8_t, max_left_over + max_record_plaintext> plain;  // One record of it.
    std::array<std::uint8_t, max_record_plaintext> stage;                  // One to be sent.
    std::array<std::uint8_t, max_gathered> out;                            // Ready for send().
};

}  // namespace relay
