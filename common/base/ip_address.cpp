#include "common/base/ip_address.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "common/base/text.h"

namespace relay {

namespace {

using Groups = std::array<std::uint16_t, 8>;

bool parse_v4(std::string_view text, std::uint8_t* four) {
    const auto parts = split(text, '.');
    if (parts.size() != 4) return false;
    for (std::size_t i = 0; i < 4; ++i) {
        const bool is_padded = parts[i].size() > 1 && parts[i][0] == '0';
        const auto number = parse_number(parts[i], 255);
        // A leading zero would be octal to some readers and decimal to others.
        if (!number || is_padded) return false;
        four[i] = static_cast<std::uint8_t>(*number);
    }
    return true;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// The groups on one side of "::"; the last may be a dotted IPv4 address, which makes two.
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text, bool may_end_in_v4) {
    std::vector<std::uint16_t> groups;
    if (text.empty()) return groups;
    const auto parts = split(text, ':');
    if (parts.size() > 8) return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        std::uint8_t four[4];
        if (may_end_in_v4 && i + 1 == parts.size() && parse_v4(parts[i], four)) {
            groups.push_back(static_cast<std::uint16_t>(four[0] << 8 | four[1]));
            groups.push_back(static_cast<std::uint16_t>(four[2] << 8 | four[3]));
            continue;
        }
        const auto group = parse_group(parts[i]);
        if (!group) return std::nullopt;
        groups.push_back(*group);
    }
    return groups;
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
    const auto gap = text.find("::");
    const bool has_gap = gap != std::string_view::npos;
    const auto head = parse_groups(text.substr(0, gap), !has_gap);
    const auto tail = parse_groups(has_gap ? text.substr(gap + 2) : std::string_view{}, has_gap);
    if (!head || !tail) return false;
    const auto count = head->size() + tail->size();
    if (has_gap ? count > 7 : count != 8) return false;
    Groups groups{};
    std::copy(head->begin(), head->end(), groups.begin());
    std::copy_backward(tail->begin(), tail->end(), groups.end());
    for (std::size_t i = 0; i < 8; ++i) {
        bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
        bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
    }
    return true;
}

struct Run {
    std::size_t start = 0;
    std::size_t size = 0;
};

// The longest run of zero groups, the first of equal ones; one group alone is none.
Run longest_zeros(const Groups& groups) {
    Run longest;
    Run current;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (groups[i] != 0) {
            current = {};
            continue;
        }
        if (current.size++ == 0) current.start = i;
        if (current.size > longest.size) longest = current;
    }
    return longest.size > 1 ? longest : Run{};
}

std::string v6_text(const IpAddress& address) {
    Groups groups;
    for (std::size_t i = 0; i < 8; ++i) {
        groups[i] =
            static_cast<std::uint16_t>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
    }
    const auto zeros = longest_zeros(groups);
    std::string text;
    for (std::size_t i = 0; i < 8; ++i) {
        if (zeros.size > 0 && i == zeros.start) {
            text += "::";
            i += zeros.size - 1;
            continue;
        }
        if (!text.empty() && !text.ends_with(':')) text += ':';
        char digits[4];
        const auto end = std::to_chars(digits, digits + 4, groups[i], 16).ptr;
        text.append(digits, end);
    }
    return text;
}

}  // namespace

bool IpAddress::is_v4() const {
    const auto zeros_end = bytes.begin() + 10;
    return std::all_of(bytes.begin(), zeros_end, [](std::uint8_t b) { return b == 0; }) &&
           bytes[10] == 0xff && bytes[11] == 0xff;
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes[12] == 127;
    const auto last = bytes.end() - 1;
    return *last == 1 && std::all_of(bytes.begin(), last, [](std::uint8_t b) { return b == 0; });
}

Result<IpAddress> parse_ip_address(std::string_view text) {
    IpAddress address;
    if (text.find(':') != std::string_view::npos) {
        if (parse_v6(text, address.bytes)) return address;
    } else if (parse_v4(text, &address.bytes[12])) {
        address.bytes[10] = address.bytes[11] = 0xff;
        return address;
    }
    return Error{ErrorCode::Malformed, "'" + std::string{text} + "' is not an IP address"};
}

std::string to_text(const IpAddress& address) {
    if (!address.is_v4()) return v6_text(address);
    std::string text;
    for (std::size_t i = 12; i < 16; ++i) {
        if (i > 12) text += '.';
        text += std::to_string(address.bytes[i]);
    }
    return text;
}

}  // namespace relay
