#include "ctl/knocking/signed.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/crypto/secure_random.h"
#include "common/gates/signed_knock.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/unique_fd.h"

namespace relay {

namespace {

Result<ByteVector> packet_of(const std::string& gate, const Identity& identity) {
    SignedKnock knock{.key = key_id_of(identity.public_key()), .gate = gate};
    knock.unix_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
            .count());
    SecureRandom random;
    random.fill(knock.nonce);
    const auto signature = identity.sign(knock_to_sign(knock));
    if (!signature) return signature.error();
    return knock_packet(knock, *signature);
}

}  // namespace

Result<std::string> knock_signed(const SignedKnocking& knocking, const Identity& identity) {
    const auto packet = packet_of(knocking.gate, identity);
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
