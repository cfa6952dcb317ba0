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

// Kernels keep what a local sender wrote from the beginning of pages on, and copy it out by an
// instruction that many a processor slows down tenfold when the destination lies 1 to 31 bytes
// further into its page than the source does into its own. What is received lies half a page away
// from that (decision 34).
constexpr std::size_t copied_page = 4096;
constexpr std::size_t away_from_page_begin = copied_page / 2;
static_assert(max_left_over % copied_page == 0);

struct alignas(copied_page) WireBuffers {
    std::array<std::uint8_t, away_from_page_begin> unused;
    std::array<std::uint8_t, max_left_over + max_received> in;             // As received.
    std::array<std::uint8_t, max_left_over + max_record_plaintext> plain;  // One record of it.
    std::array<std::uint8_t, max_record_plaintext> stage;                  // One to be sent.
    std::array<std::uint8_t, max_gathered> out;                            // Ready for send().
};

}  // namespace relay
