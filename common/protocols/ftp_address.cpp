#include "common/protocols/ftp_address.h"

#include <algorithm>
#include <array>

#include "common/base/check.h"
#include "common/base/host_port.h"
#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::size_t numbers_count = 6;
using Numbers = std::array<std::uint8_t, numbers_count>;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Six numbers at the front of `text`, with commas between; `size` is how long they are.
std::optional<Numbers> six_numbers(std::string_view text, std::size_t& size) {
    Numbers numbers{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < numbers_count; ++i) {
        if (i > 0 && (at == text.size() || text[at++] != ',')) return std::nullopt;
        std::size_t end = at;
        while (end < text.size() && is_digit(text[end])) ++end;
        const auto number = parse_number(text.substr(at, end - at), 255);
        if (!number) return std::nullopt;
        numbers[i] = static_cast<std::uint8_t>(*number);
        at = end;
    }
    size = at;
    return numbers;
}

std::optional<FtpAddress> address_of(const Numbers& numbers) {
    FtpAddress found;
    found.address.bytes[10] = found.address.bytes[11] = 0xff;
    std::copy_n(numbers.begin(), 4, found.address.bytes.begin() + 12);
    found.port = static_cast<std::uint16_t>(numbers[4] << 8 | numbers[5]);
    if (found.port == 0) return std::nullopt;
    return found;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    const auto port = parse_port(text);
    return port ? std::optional{*port} : std::nullopt;
}

std::string numbers_text(const FtpAddress& to) {
    check(to.address.is_v4());
    std::string text = to_text(to.address);
    std::replace(text.begin(), text.end(), '.', ',');
    return text + "," + std::to_string(to.port >> 8) + "," + std::to_string(to.port & 255);
}

}  // namespace

std::optional<FtpAddress> address_in_227(std::string_view line) {
    const std::size_t code = std::min<std::size_t>(line.size(), 4);
    for (std::size_t at = code; at < line.size(); ++at) {
        if (!is_digit(line[at]) || (at > code && is_digit(line[at - 1]))) continue;
        std::size_t size = 0;
        if (const auto numbers = six_numbers(line.substr(at), size)) return address_of(*numbers);
    }
    return std::nullopt;
}

std::optional<std::uint16_t> port_in_229(std::string_view line) {
    const std::size_t open = line.find('(');
    if (open == std::string_view::npos || line.size() < open + 6) return std::nullopt;
    const char bar = line[open + 1];
    if (bar < 33 || bar > 126 || is_digit(bar)) return std::nullopt;
    if (line[open + 2] != bar || line[open + 3] != bar) return std::nullopt;
    const std::string_view rest = line.substr(open + 4);
    const std::size_t end = rest.find(bar);
    if (end == std::string_view::npos || rest.substr(end + 1, 1) != ")") return std::nullopt;
    return port_of(rest.substr(0, end));
}

std::optional<FtpAddress> parse_port_argument(std::string_view argument) {
    std::size_t size = 0;
    const auto numbers = six_numbers(argument, size);
    if (!numbers || size != argument.size()) return std::nullopt;
    return address_of(*numbers);
}

std::optional<FtpAddress> parse_eprt_argument(std::string_view argument) {
    if (argument.empty() || argument[0] < 33 || argument[0] > 126) return std::nullopt;
    const auto parts = split(argument, argument[0]);
    if (parts.size() != 5 || !parts[0].empty() || !parts[4].empty()) return std::nullopt;
    const auto address = parse_ip_address(parts[2]);
    const auto port = port_of(parts[3]);
    if (!address || !port) return std::nullopt;
    if (parts[1] != (address->is_v4() ? "1" : "2")) return std::nullopt;
    return FtpAddress{*address, *port};
}

std::string reply_227(const FtpAddress& to) {
    return "227 Entering Passive Mode (" + numbers_text(to) + ").\r\n";
}

std::string reply_229(std::uint16_t port) {
    return "229 Entering Extended Passive Mode (|||" + std::to_string(port) + "|)\r\n";
}

std::string port_command(const FtpAddress& to) {
    if (to.address.is_v4()) return "PORT " + numbers_text(to) + "\r\n";
    return "EPRT |2|" + to_text(to.address) + "|" + std::to_string(to.port) + "|\r\n";
}

}  // namespace relay
