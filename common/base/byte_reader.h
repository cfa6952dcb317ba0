// Sticky big-endian reads: the first short read makes ok() false, and every later one yields zero,
// so that a parser is a straight line with one test at its end.
#pragma once

#include "common/base/bytes.h"

namespace relay {

class ByteReader {
public:
    explicit ByteReader(Bytes input) : rest_(input) {}

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }

    // Borrowed from the input; empty after a short read.
    Bytes bytes(std::size_t count) {
        if (!ok_ || rest_.size() < count) {
            ok_ = false;
            return {};
        }
        const Bytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }

    // A string with its length before it, in 2 bytes.
    std::string_view text16() { return text_of(bytes(u16())); }

    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && rest_.empty(); }
    Bytes rest() const { return rest_; }

private:
    std::uint64_t number(std::size_t width) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : bytes(width)) value = value << 8 | byte;
        return value;
    }

    Bytes rest_;
    bool ok_ = true;
};

}  // namespace relay
