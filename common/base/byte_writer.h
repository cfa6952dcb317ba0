// Big-endian writes into memory of a fixed size. The first write that does not fit makes ok()
// false, and nothing is written from then on.
#pragma once

#include <algorithm>

#include "common/base/bytes.h"

namespace relay {

class ByteWriter {
public:
    explicit ByteWriter(MutableBytes room) : room_(room) {}

    void u8(std::uint8_t value) { number(value, 1); }
    void u16(std::uint16_t value) { number(value, 2); }
    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }

    void bytes(Bytes from) {
        if (!ok_ || room_.size() - used_ < from.size()) {
            ok_ = false;
            return;
        }
        std::copy(from.begin(), from.end(), room_.begin() + static_cast<std::ptrdiff_t>(used_));
        used_ += from.size();
    }

    // A string with its length before it, in 2 bytes. Longer text does not fit, by definition.
    void text16(std::string_view text) {
        if (text.size() > 0xffff) ok_ = false;
        u16(static_cast<std::uint16_t>(text.size()));
        bytes(bytes_of(text));
    }

    bool ok() const { return ok_; }
    std::size_t size() const { return used_; }
    std::size_t room() const { return room_.size() - used_; }
    Bytes written() const { return Bytes{room_}.first(used_); }

private:
    void number(std::uint64_t value, std::size_t width) {
        std::uint8_t digits[8];
        for (std::size_t i = 0; i < width; ++i) {
            digits[i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
        }
        bytes({digits, width});
    }

    MutableBytes room_;
    std::size_t used_ = 0;
    bool ok_ = true;
};

}  // namespace relay
