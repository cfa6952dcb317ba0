// How far one direction of a sealed stream is, at the boundary of two records.
#pragma once

#include <array>
#include <cstdint>

#include "common/base/bytes.h"

namespace relay {

// A record: the length of what it says (2 bytes; 0: nothing follows, ever), that, sealed, and a
// tag. No longer than the smallest ring, so that there is always room for a whole one.
inline constexpr std::size_t record_most_bytes = 4096;
inline constexpr std::size_t record_head_bytes = 2;
inline constexpr std::size_t record_extra_bytes = record_head_bytes + 16;
inline constexpr std::size_t record_least_bytes = record_extra_bytes + 1;
inline constexpr std::size_t record_text_most_bytes = record_most_bytes - record_extra_bytes;
// After so many the key is replaced by one that is derived from it (PROTOCOL.md 11).
inline constexpr std::uint64_t records_per_key = std::uint64_t{1} << 20;

struct SealedWay {
    std::uint64_t stream = 0;   // Offset in the stream: the handshake's bytes and all records.
    std::uint64_t socket = 0;   // Bytes that the local socket has given, or been given.
    std::uint64_t records = 0;  // The number of the next one.
    std::array<std::uint8_t, 32> key{};
    bool ended = false;  // The last record says that nothing follows.

    // Whether it can be true, where the handshake took so many bytes.
    bool makes_sense(std::uint64_t handshake_bytes) const {
        return handshake_bytes < std::uint64_t{1} << 20 && socket < std::uint64_t{1} << 62 &&
               records < std::uint64_t{1} << 56 &&
               stream == handshake_bytes + socket + records * record_extra_bytes;
    }
};

// Behind a record with so many bytes of text; 0: the one that says that nothing follows.
SealedWay behind_record(const SealedWay& way, std::size_t text_bytes);

// A place that moves by one store: there are two, and a number says which one holds.
class SealedPlace {
public:
    SealedPlace() = default;
    explicit SealedPlace(const SealedWay& begin)
        : ways_{begin, begin}, handshake_bytes_(begin.stream) {}

    const SealedWay& now() const { return ways_[turn_ & 1]; }
    void move_to(const SealedWay& next);
    bool makes_sense() const { return now().makes_sense(handshake_bytes_); }

private:
    std::array<SealedWay, 2> ways_{};
    std::uint64_t turn_ = 0;
    std::uint64_t handshake_bytes_ = 0;
};

}  // namespace relay
