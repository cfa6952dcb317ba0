#include "common/protocols/proxy_header.h"

#include <algorithm>
#include <array>

#include "common/base/byte_reader.h"
#include "common/base/host_port.h"
#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::string_view v1_start = "PROXY ";
constexpr std::string_view v2_start{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t v2_fixed = 16;  // The start, version, family and length.
constexpr std::uint8_t v2_local = 0x20;
constexpr std::uint8_t v2_proxy = 0x21;
constexpr std::uint8_t v2_tcp4 = 0x11;
constexpr std::uint8_t v2_tcp6 = 0x21;

Error malformed(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

bool begins_alike(std::string_view text, std::string_view start) {
    const auto size = std::min(text.size(), start.size());
    return text.substr(0, size) == start.substr(0, size);
}

// Up to the next space, which must be there unless it is the last word.
std::string_view take_word(std::string_view& line) {
    const auto end = line.find(' ');
    const auto word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

Result<IpAddress> take_address(std::string_view& line, bool is_v4) {
    auto address = parse_ip_address(take_word(line));
    // An IPv4 address written as IPv6 is one, too.
    if (address && is_v4 && !address->is_v4()) return malformed("a PROXY header mixes families");
    return address;
}

Result<ProxyHeader> parse_v1(std::string_view line) {
    line.remove_prefix(v1_start.size());
    const auto family = take_word(line);
    if (family == "UNKNOWN") return ProxyHeader{};
    if (family != "TCP4" && family != "TCP6") return malformed("a PROXY header of no known family");
    const auto source = take_address(line, family == "TCP4");
    if (!source) return source.error();
    const auto destination = take_address(line, family == "TCP4");
    if (!destination) return destination.error();
    const auto port = parse_number(take_word(line), 65535);
    const auto destination_port = parse_number(line, 65535);
    if (!port || !destination_port) return malformed("a PROXY header without its two ports");
    return ProxyHeader{ProxySource{*source, static_cast<std::uint16_t>(*port)}};
}

Result<std::optional<ProxyHeader>> take_v1(Bytes& input) {
    const auto text = text_of(input.first(std::min(input.size(), max_proxy_header_v1)));
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) {
        if (text.size() < max_proxy_header_v1) return std::optional<ProxyHeader>{};
        return Error{ErrorCode::TooLarge, "a PROXY header of more than 107 bytes"};
    }
    auto header = parse_v1(text.substr(0, end));
    if (!header) return header.error();
    input = input.subspan(end + 2);
    return std::optional{*std::move(header)};
}

IpAddress v4_of(Bytes bytes) {
    IpAddress address;
    address.bytes[10] = address.bytes[11] = 0xff;
    std::copy_n(bytes.begin(), 4, address.bytes.begin() + 12);
    return address;
}

IpAddress v6_of(Bytes bytes) {
    IpAddress address;
    std::copy_n(bytes.begin(), 16, address.bytes.begin());
    return address;
}

Result<ProxyHeader> parse_v2(std::uint8_t command, std::uint8_t family, Bytes rest) {
    if (command == v2_local) return ProxyHeader{};
    if (command != v2_proxy) return malformed("a PROXY header of an unknown version or command");
    // Others, as UDP and unix sockets, say nothing that is of use here.
    if (family != v2_tcp4 && family != v2_tcp6) return ProxyHeader{};
    ByteReader reader{rest};
    const std::size_t size = family == v2_tcp4 ? 4 : 16;
    const Bytes address = reader.bytes(size);
    reader.bytes(size);
    const std::uint16_t port = reader.u16();
    reader.u16();
    if (!reader.ok()) return malformed("a PROXY header too short for its addresses");
    return ProxyHeader{ProxySource{size == 4 ? v4_of(address) : v6_of(address), port}};
}

Result<std::optional<ProxyHeader>> take_v2(Bytes& input) {
    ByteReader reader{input};
    reader.bytes(v2_start.size());
    const std::uint8_t command = reader.u8();
    const std::uint8_t family = reader.u8();
    const std::size_t size = reader.u16();
    if (!reader.ok()) return std::optional<ProxyHeader>{};
    if (v2_fixed + size > max_proxy_header) {
        return Error{ErrorCode::TooLarge, "a PROXY header of more than 2048 bytes"};
    }
    const Bytes rest = reader.bytes(size);
    if (!reader.ok()) return std::optional<ProxyHeader>{};
    auto header = parse_v2(command, family, rest);
    if (!header) return header.error();
    input = reader.rest();
    return std::optional{*std::move(header)};
}

// As RFC 5952 has it, but IPv4 among IPv6 in its mapped form.
std::string text_in(const IpAddress& address, bool is_v4) {
    return (!is_v4 && address.is_v4() ? "::ffff:" : "") + to_text(address);
}

std::optional<ProxySource> source_in(std::string_view text) {
    const auto parts = parse_host_port(text);
    if (!parts) return std::nullopt;
    const auto address = parse_ip_address(parts->host);
    if (!address) return std::nullopt;
    return ProxySource{*address, parts->port};
}

}  // namespace

ByteVector proxy_header_for(std::string_view source, std::string_view destination) {
    const auto from = source_in(source), to = source_in(destination);
    if (from && to) return proxy_header_v2(*from, *to);
    ByteVector header = vector_of(bytes_of(v2_start));
    header.insert(header.end(), {v2_local, 0, 0, 0});
    return header;
}

bool may_be_proxy_header(Bytes start) {
    return begins_alike(text_of(start), v1_start) || begins_alike(text_of(start), v2_start);
}

Result<std::optional<ProxyHeader>> take_proxy_header(Bytes& input) {
    const auto text = text_of(input);
    if (!may_be_proxy_header(input)) return malformed("no PROXY header");
    if (text.size() >= v2_start.size() && text.starts_with(v2_start)) return take_v2(input);
    if (text.size() >= v1_start.size() && text.starts_with(v1_start)) return take_v1(input);
    return std::optional<ProxyHeader>{};
}

ByteVector proxy_header_v1(const ProxySource& source, const ProxySource& destination) {
    const bool is_v4 = source.address.is_v4() && destination.address.is_v4();
    const std::string line =
        std::string{v1_start} + (is_v4 ? "TCP4 " : "TCP6 ") + text_in(source.address, is_v4) + " " +
        text_in(destination.address, is_v4) + " " + std::to_string(source.port) + " " +
        std::to_string(destination.port) + "\r\n";
    return vector_of(bytes_of(line));
}

ByteVector proxy_header_v2(const ProxySource& source, const ProxySource& destination) {
    const bool is_v4 = source.address.is_v4() && destination.address.is_v4();
    const std::uint8_t size = is_v4 ? 12 : 36;
    ByteVector header = vector_of(bytes_of(v2_start));
    header.insert(header.end(), {v2_proxy, is_v4 ? v2_tcp4 : v2_tcp6, std::uint8_t{0}, size});
    for (const auto* each : {&source, &destination}) {
        const auto& bytes = each->address.bytes;
        header.insert(header.end(), bytes.begin() + (is_v4 ? 12 : 0), bytes.end());
    }
    for (const auto* each : {&source, &destination}) {
        header.push_back(static_cast<std::uint8_t>(each->port >> 8));
        header.push_back(static_cast<std::uint8_t>(each->port & 0xff));
    }
    return header;
}

}  // namespace relay
