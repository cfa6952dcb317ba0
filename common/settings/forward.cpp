#include "common/settings/forward.h"

#include <algorithm>

#include "common/base/text.h"

namespace relay {

namespace {

constexpr std::string_view this_host = "127.0.0.1";
constexpr std::size_t max_ftp_host_size = 251;  // With its mark it is still an OPEN's host.
constexpr unsigned max_data_ports = 1024;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Ports alone are those of 127.0.0.1.
Result<HostPortRange> parse_side(std::string_view text) {
    if (text.find_first_not_of("0123456789-") != std::string_view::npos) return parse_place(text);
    const auto ports = parse_port_range(text);
    if (!ports) return ports.error();
    return HostPortRange{std::string{this_host}, *ports};
}

bool is_name(std::string_view text) {
    return !text.empty() && is_alphanumeric(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
           });
}

std::string ports_text(unsigned count) {
    return count == 1 ? "1 port" : std::to_string(count) + " ports";
}

}  // namespace

Result<HostPortRange> parse_listen(std::string_view text) {
    if (text.empty()) return Error{ErrorCode::Malformed, "the port to listen on is missing"};
    auto side = parse_side(text);
    if (!side) return side;
    if (is_unix(side->host)) return side;
    if (side->host == "localhost") side->host = this_host;
    const auto address = parse_ip_address(side->host);
    if (!address) {
        return Error{ErrorCode::Malformed,
                     "'" + side->host +
                         "' is not an address to listen on: allowed are an IP address of this "
                         "host, 0.0.0.0, [::], and unix:/PATH"};
    }
    // One spelling, so that equal listeners compare equal.
    side->host = to_text(*address);
    return side;
}

Result<std::vector<ForwardSettings>> parse_forward(std::string_view listen, std::string_view to) {
    const auto from = parse_listen(listen);
    if (!from) return from.error();
    if (to.empty() && is_unix(from->host)) {
        return Error{ErrorCode::Malformed,
                     "'" + from->host + "' has no port: say what it leads to"};
    }
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

Result<FtpForward> parse_ftp(const FtpTexts& texts, const ForwardSettings& forward) {
    FtpForward ftp;
    ftp.is_on = texts.protocol == "ftp";
    if (!ftp.is_on && !texts.protocol.empty()) {
        return Error{ErrorCode::Malformed,
                     "'" + texts.protocol + "' is no protocol: allowed is ftp"};
    }
    if (!ftp.is_on && !(texts.data_ports.empty() && texts.tls.empty())) {
        return Error{ErrorCode::Malformed, "data-ports and ftp-tls need protocol ftp"};
    }
    if (!ftp.is_on) return ftp;
    if (is_unix(forward.listen.host) || is_unix(forward.target.host)) {
        return Error{ErrorCode::Malformed, "ftp is not spoken on unix sockets"};
    }
    if (forward.target.host.size() > max_ftp_host_size) {
        return Error{ErrorCode::TooLarge, "the host of an FTP server has at most 251 characters"};
    }
    ftp.refuses_tls = texts.tls == "refuse";
    if (!ftp.refuses_tls && !texts.tls.empty() && texts.tls != "pass") {
        return Error{ErrorCode::Malformed,
                     "'" + texts.tls + "' is not what ftp-tls may be: allowed are pass, refuse"};
    }
    if (texts.data_ports.empty()) return ftp;
    const auto ports = parse_port_range(texts.data_ports);
    if (!ports) return ports.error();
    if (ports->contains(forward.listen.port)) {
        return Error{ErrorCode::Malformed, "data-ports has the port of the forward itself"};
    }
    if (ports->size() > max_data_ports) {
        return Error{ErrorCode::TooLarge, "data-ports has at most 1024 ports"};
    }
    ftp.data_ports = *ports;
    return ftp;
}

Result<std::vector<ForwardSettings>> parse_visit(std::string_view to, std::string_view listen) {
    const auto target = parse_reach_rule(to);
    const bool is_any = target && to.ends_with(":*");
    if (!target || is_any) {
        return Error{ErrorCode::Malformed,
                     "'" + std::string{to.substr(0, max_host_size)} +
                         "' must be HOME:PORT, HOME:FIRST-LAST or HOME:unix:PATH"};
    }
    if (!target->socket.empty()) {
        if (listen.empty()) {
            return Error{ErrorCode::Malformed,
                         "'" + to_text(*target) + "' has no port: say where to listen"};
        }
        auto forwards = parse_forward(listen, target->socket);
        if (!forwards) return forwards;
        for (ForwardSettings& forward : *forwards) forward.target.host = to_text(*target);
        return forwards;
    }
    const std::string ports = to_text(target->ports);
    // What a home is called says nothing about where to listen, so that any host does meanwhile.
    auto forwards = parse_forward(listen.empty() ? std::string_view{ports} : listen, ports);
    if (!forwards) return forwards;
    for (ForwardSettings& forward : *forwards) forward.target.host = target->home;
    return forwards;
}

Result<HostPort> parse_relay_target(std::string_view text) {
    return text.starts_with("unix:") ? parse_unix(text) : parse_host_port(text);
}

Result<HostPort> parse_dynamic(std::string_view text) {
    const auto listen = parse_listen(text);
    if (!listen) return listen.error();
    if (is_unix(listen->host)) {
        return Error{ErrorCode::Malformed, "SOCKS5 is spoken on a port of a loopback address"};
    }
    if (listen->ports.size() != 1) {
        return Error{ErrorCode::Malformed, "one port is enough: any forward is reached by it"};
    }
    const auto address = parse_ip_address(listen->host);
    if (!address || !address->is_loopback()) {
        return Error{ErrorCode::Malformed, "'" + listen->host +
                                               "' is not a loopback address: whoever reaches this "
                                               "port reaches all that the visitor may"};
    }
    return HostPort{listen->host, listen->ports.first};
}

Status check_home_name(std::string_view name) {
    if (name.size() <= max_home_name_size && is_name(name)) return Done{};
    return Error{ErrorCode::Malformed,
                 "'" + std::string{name.substr(0, max_home_name_size)} +
                     "' is not a home's name: 1 to 64 letters, digits, '-', '_' and '.' are "
                     "allowed, the first a letter or a digit"};
}

Status check_visitor_name(std::string_view name) {
    if (name.size() <= max_visitor_name_size && is_name(name)) return Done{};
    return Error{ErrorCode::Malformed,
                 "'" + std::string{name.substr(0, max_visitor_name_size)} +
                     "' is not a visitor's name: 1 to 63 letters, digits, '-', '_' and '.' are "
                     "allowed, the first a letter or a digit"};
}

}  // namespace relay
