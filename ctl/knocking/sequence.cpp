#include "ctl/knocking/sequence.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "daemon/io/unique_fd.h"

namespace relay {

namespace {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    std::string text;
};

// The first that there is, as other programs choose it.
Result<Address> address_of(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failed != 0) return Error{ErrorCode::NotFound, host + ": " + ::gai_strerror(failed)};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, ::freeaddrinfo};
    Address address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    char text[NI_MAXHOST] = {};
    (void)::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0,
                        NI_NUMERICHOST);
    address.text = text;
    return address;
}

Status knock_once(const Address& address, Transport transport) {
    const bool is_tcp = transport == Transport::Tcp;
    const int kind = (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const UniqueFd socket{::socket(address.storage.ss_family, kind, 0)};
    const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
    // Closed at once, so that its SYN is not sent again.
    bool is_sent = socket && ::connect(socket.get(), generic, address.size) == 0;
    if (!is_sent && is_tcp) is_sent = errno == EINPROGRESS || errno == ECONNREFUSED;
    if (is_sent && !is_tcp) is_sent = ::send(socket.get(), "", 0, 0) == 0 || errno == ECONNREFUSED;
    if (is_sent) return Done{};
    return Error{ErrorCode::System, address.text + ": " + std::strerror(errno)};
}

}  // namespace

Result<std::string> knock_sequence(const Knocking& knocking) {
    std::string text;
    for (std::size_t i = 0; i < knocking.sequence.size(); ++i) {
        if (i > 0) std::this_thread::sleep_for(knocking.pause);
        const auto& step = knocking.sequence[i];
        // All of them at one address, whatever a name has.
        const auto address = address_of(text.empty() ? knocking.host : text, step.port);
        if (!address) return address.error();
        text = address->text;
        if (const auto done = knock_once(*address, step.transport); !done) return done.error();
    }
    return text;
}

}  // namespace relay
