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
constexpr std::size_t max_kept_plaintext = 64 * 1024;

struct WireBuffers {
    std::array<std::uint8_t, max_received> in;                          // As received.
    std::array<std::uint8_t, max_kept_plaintext + max_received> plain;  // Kept rest, then new.
    std::array<std::uint8_t, max_record_plaintext> stage;               // One record to be sent.
    std::array<std::uint8_t, max_gathered> out;                         // Ready for send().
};

}  // namespace relay
