#include "common/settings/forward.h"

#include <algorithm>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::string_view this_host = "127.0.0.1";

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Ports alone are those of 127.0.0.1.
Result<HostPortRange> parse_side(std::string_view text) {
    if (text.find_first_not_of("0123456789-") != std::string_view::npos) {
        return parse_host_port_range(text);
    }
    const auto ports = parse_port_range(text);
    if (!ports) return ports.error();
    return HostPortRange{std::string{this_host}, *ports};
}

std::string ports_text(unsigned count) {
    return count == 1 ? "1 port" : std::to_string(count) + " ports";
}

}  // namespace

Result<HostPortRange> parse_listen(std::string_view text) {
    if (text.empty()) return Error{ErrorCode::Malformed, "the port to listen on is missing"};
    auto side = parse_side(text);
    if (!side) return side;
    if (side->host == "localhost") side->host = this_host;
    const auto address = parse_ip_address(side->host);
    if (!address) {
        return Error{ErrorCode::Malformed,
                     "'" + side->host +
                         "' is not an address to listen on: allowed are an IP address of this "
                         "host, 0.0.0.0 and [::]"};
    }
    // One spelling, so that equal listeners compare equal.
    side->host = to_text(*address);
    return side;
}

Result<std::vector<ForwardSettings>> parse_forward(std::string_view listen, std::string_view to) {
    const auto from = parse_listen(listen);
    if (!from) return from.error();
    const auto target =
        to.empty() ? Result{HostPortRange{std::string{this_host}, from->ports}} : parse_side(to);
    if (!target) return target.error();
    const unsigned count = from->ports.size();
    if (count != target->ports.size()) {
        return Error{ErrorCode::Malformed, "cannot forward " + ports_text(count) + " to " +
                                               ports_text(target->ports.size()) +
                                               ": both ranges must be equally long"};
    }
    if (count > max_forwards_per_home) {
        return Error{ErrorCode::TooLarge, "a range has at most 4096 ports"};
    }
    std::vector<ForwardSettings> forwards;
    forwards.reserve(count);
    for (unsigned i = 0; i < count; ++i) {
        ForwardSettings forward;
        forward.listen = {from->host, static_cast<std::uint16_t>(from->ports.first + i)};
        forward.target = {target->host, static_cast<std::uint16_t>(target->ports.first + i)};
        forwards.push_back(std::move(forward));
    }
    return forwards;
}

Status check_home_name(std::string_view name) {
    const bool is_good =
        !name.empty() && name.size() <= max_home_name_size && is_alphanumeric(name.front()) &&
        std::all_of(name.begin(), name.end(),
                    [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
    if (is_good) return Done{};
    return Error{ErrorCode::Malformed,
                 "'" + std::string{name.substr(0, max_home_name_size)} +
                     "' is not a home's name: 1 to 64 letters, digits, '-', '_' and '.' are "
                     "allowed, the first a letter or a digit"};
}

}  // namespace relay
