#include "common/crypto/base64.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"

namespace relay {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> make_digits() {
    std::array<std::uint8_t, 256> digits{};
    digits.fill(no_digit);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        digits[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return digits;
}
constexpr std::array<std::uint8_t, 256> digits = make_digits();

}  // namespace

std::string base64(Bytes bytes) {
    std::string text(base64_size(bytes.size()), '=');
    base64_into(bytes, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    return text;
}

void base64_into(Bytes bytes, MutableBytes room) {
    check(room.size() >= base64_size(bytes.size()));
    std::size_t out = 0;
    while (!bytes.empty()) {
        const std::size_t taken = std::min<std::size_t>(bytes.size(), 3);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < taken ? bytes[i] : 0u);
        for (std::size_t i = 0; i < 4; ++i) {
            const char digit = i <= taken ? alphabet[group >> (18 - 6 * i) & 63] : '=';
            room[out++] = static_cast<std::uint8_t>(digit);
        }
        bytes = bytes.subspan(taken);
    }
}

std::optional<ByteVector> from_base64(std::string_view text) {
    ByteVector bytes(text.size() / 4 * 3);
    const auto size = from_base64_into(text, bytes);
    if (!size) return std::nullopt;
    bytes.resize(*size);
    return bytes;
}

std::optional<std::size_t> from_base64_into(std::string_view text, MutableBytes room) {
    if (text.size() % 4 != 0) return std::nullopt;
    check(room.size() >= text.size() / 4 * 3);
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }

    std::size_t out = 0;
    while (!text.empty()) {
        const std::size_t taken = std::min<std::size_t>(text.size(), 4);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::uint32_t digit = i < taken ? digits[static_cast<std::uint8_t>(text[i])] : 0u;
            if (digit == no_digit) return std::nullopt;
            group = group << 6 | digit;
        }
        // Bits behind the last byte must be zero, or two texts would mean the same bytes.
        if ((group & ((1u << (8 * (4 - taken))) - 1)) != 0) return std::nullopt;
        for (std::size_t i = 0; i + 1 < taken; ++i) {
            room[out++] = static_cast<std::uint8_t>(group >> (16 - 8 * i));
        }
        text.remove_prefix(taken);
    }
    return out;
}

}  // namespace relay
