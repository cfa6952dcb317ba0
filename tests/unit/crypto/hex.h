// Bytes from their hexadecimal digits, for test vectors.
#pragma once

#include <array>

#include "common/base/bytes.h"
#include "common/base/check.h"

namespace relay {

inline ByteVector from_hex(std::string_view digits) {
    check(digits.size() % 2 == 0);
    ByteVector bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        bytes.push_back(
            static_cast<std::uint8_t>(std::stoul(std::string{digits.substr(i, 2)}, nullptr, 16)));
    }
    return bytes;
}

template <std::size_t size>
std::array<std::uint8_t, size> array_from_hex(std::string_view digits) {
    const ByteVector bytes = from_hex(digits);
    check(bytes.size() == size);
    std::array<std::uint8_t, size> array;
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
}

}  // namespace relay
