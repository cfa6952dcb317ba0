#include "ctl/kernel/ssh_connection.h"

#include "common/base/host_port.h"
#include "common/base/text.h"

namespace relay {
namespace {

std::optional<SocketAddress> address_of(std::string_view address, std::string_view port) {
    const auto ip = parse_ip_address(address.substr(0, address.find('%')));
    const auto number = parse_port(port);
    if (!ip || !number) return {};
    return SocketAddress{*ip, *number};
}

}  // namespace

std::optional<SshConnection> parse_ssh_connection(std::string_view text) {
    const auto words = split(text, ' ');
    if (words.size() != 4) return {};
    const auto client = address_of(words[0], words[1]), server = address_of(words[2], words[3]);
    if (!client || !server) return {};
    return SshConnection{*client, *server};
}

std::string to_text(const SocketAddress& address) {
    return to_text(HostPort{to_text(address.address), address.port});
}

}  // namespace relay
