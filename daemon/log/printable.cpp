#include "daemon/log/printable.h"

#include <fmt/format.h>

#include <cstdint>

namespace relay {

namespace {

std::uint8_t byte_at(std::string_view text, std::size_t at) {
    return static_cast<std::uint8_t>(text[at]);
}

// How many bytes the lead byte announces (RFC 3629, section 4); 0 if it cannot lead.
std::size_t announced_length(std::uint8_t lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

bool may_follow(std::uint8_t lead, std::uint8_t second) {
    const std::uint8_t least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

// The length of the well-formed character at the front; 0 if there is none.
std::size_t character_length(std::string_view text) {
    const std::size_t length = announced_length(byte_at(text, 0));
    if (length == 0 || text.size() < length) return 0;
    if (length > 1 && !may_follow(byte_at(text, 0), byte_at(text, 1))) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
    }
    return length;
}

bool is_shown_as_it_is(std::string_view character) {
    const std::uint8_t lead = byte_at(character, 0);
    if (character.size() == 1) return lead >= 0x20 && lead != 0x7f;
    if (character.size() == 2) return lead != 0xc2 || byte_at(character, 1) >= 0xa0;
    if (lead != 0xe2) return true;
    // U+2028..202E (line and paragraph separator, directions) and U+2066..2069 (isolates).
    const std::uint8_t second = byte_at(character, 1);
    const std::uint8_t third = byte_at(character, 2);
    return !(second == 0x80 && third >= 0xa8 && third <= 0xae) &&
           !(second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

std::string escaped(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        text += fmt::format("\\x{:02x}", byte_at(bytes, i));
    }
    return text;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
    constexpr std::string_view ellipsis = "...";
    std::string shown;
    std::size_t cut = 0;  // Up to where `shown` may stay if the ellipsis has to follow.
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const std::string_view character = text.substr(0, length == 0 ? 1 : length);
        const bool plain = length != 0 && is_shown_as_it_is(character);
        shown += plain ? std::string{character} : escaped(character);
        if (shown.size() > limit) return shown.substr(0, cut).append(ellipsis);
        if (shown.size() + ellipsis.size() <= limit) cut = shown.size();
        text.remove_prefix(character.size());
    }
    return shown;
}

}  // namespace relay
