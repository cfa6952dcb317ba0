#include "ctl/knocking/signed.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/crypto/secure_random.h"
#include "daemon/identity/own_knock.h"
#include "daemon/io/unique_fd.h"

namespace relay {

Result<std::string> knock_signed(const SignedKnocking& knocking, const Identity& identity) {
    SecureRandom random;
    const auto packet = own_knock(identity, random, knocking.gate);
    if (!packet) return packet.error();
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int failed =
        ::getaddrinfo(knocking.host.c_str(), std::to_string(knocking.port).c_str(), &hints, &found);
    if (failed != 0)
        return Error{ErrorCode::NotFound, knocking.host + ": " + ::gai_strerror(failed)};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, ::freeaddrinfo};
    const UniqueFd socket{::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const auto sent = ::sendto(socket.get(), packet->data(), packet->size(), 0, found->ai_addr,
                               found->ai_addrlen);
    if (sent < 0) return Error{ErrorCode::System, knocking.host + ": " + std::strerror(errno)};
    char text[NI_MAXHOST] = {};
    (void)::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0,
                        NI_NUMERICHOST);
    return std::string{text};
}

}  // namespace relay
