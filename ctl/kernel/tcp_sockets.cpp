#include "ctl/kernel/tcp_sockets.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>

#include "daemon/io/unique_fd.h"

namespace relay {
namespace {

// The kernel's enum of states is in no header that goes with <netinet/in.h>: <net/tcp_states.h>.
constexpr std::uint32_t established = 1;
constexpr std::uint32_t listening = 10;
constexpr std::size_t reply_bytes = 32768;

struct DiagRequest {
    nlmsghdr header;
    inet_diag_req_v2 query;
};

using EachSocket = std::function<void(const inet_diag_msg&, std::size_t attributes_bytes)>;

Error system_error(const char* what, int error) {
    return Error{ErrorCode::System, std::string{what} + ": " + std::strerror(error)};
}

Result<UniqueFd> diag_socket() {
    UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
    if (!socket) return system_error("sock_diag", errno);
    return socket;
}

DiagRequest request_for(int family) {
    DiagRequest request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.query.sdiag_family = static_cast<std::uint8_t>(family);
    request.query.sdiag_protocol = IPPROTO_TCP;
    return request;
}

enum class Part { Last, More };

// The kernel's own messages: their lengths are right.
Result<Part> read_part(const std::byte* data, std::size_t size, const EachSocket& each) {
    auto left = static_cast<unsigned>(size);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(data); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_type == NLMSG_DONE) return Part::Last;
        if (header->nlmsg_type == NLMSG_ERROR) {
            const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
            if (error == ENOENT) return Part::Last;
            return system_error("sock_diag", error);
        }
        each(*static_cast<const inet_diag_msg*>(NLMSG_DATA(header)),
             header->nlmsg_len - NLMSG_LENGTH(sizeof(inet_diag_msg)));
        if ((header->nlmsg_flags & NLM_F_MULTI) == 0) return Part::Last;
    }
    return Part::More;
}

Status ask_kernel(const DiagRequest& request, const EachSocket& each) {
    const auto socket = diag_socket();
    if (!socket) return socket.error();
    if (::send(socket->get(), &request, sizeof request, 0) < 0) {
        return system_error("sock_diag", errno);
    }
    alignas(nlmsghdr) std::array<std::byte, reply_bytes> reply;
    while (true) {
        const auto size = ::recv(socket->get(), reply.data(), reply.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return system_error("sock_diag", errno);
        const auto part = read_part(reply.data(), static_cast<std::size_t>(size), each);
        if (!part) return part.error();
        if (*part == Part::Last) return Done{};
    }
}

// What an attribute holds, if it is there with `least` bytes. A kernel that is newer or older has
// longer or shorter ones.
template <typename T>
std::optional<T> attribute(const inet_diag_msg& message, std::size_t bytes, int type,
                           std::size_t least = sizeof(T)) {
    auto left = static_cast<int>(bytes);
    for (auto* each = reinterpret_cast<const rtattr*>(&message + 1); RTA_OK(each, left);
         each = RTA_NEXT(each, left)) {
        if (each->rta_type != type || RTA_PAYLOAD(each) < least) continue;
        T value{};
        std::memcpy(&value, RTA_DATA(each), std::min(sizeof value, std::size_t{RTA_PAYLOAD(each)}));
        return value;
    }
    return {};
}

SocketAddress address_of(int family, const std::uint32_t* words, std::uint16_t port) {
    SocketAddress result;
    result.port = ntohs(port);
    auto& bytes = result.address.bytes;
    if (family == AF_INET) {
        bytes[10] = bytes[11] = 0xff;
        std::memcpy(bytes.data() + 12, words, 4);
    } else {
        std::memcpy(bytes.data(), words, 16);
    }
    return result;
}

void put_address(const SocketAddress& from, bool is_v4, std::uint32_t* words, std::uint16_t& port) {
    port = htons(from.port);
    const auto& bytes = from.address.bytes;
    std::memcpy(words, is_v4 ? bytes.data() + 12 : bytes.data(), is_v4 ? 4 : 16);
}

bool is_unspecified(const IpAddress& address) {
    const auto& bytes = address.bytes;
    const auto first = bytes.begin() + (address.is_v4() ? 12 : 0);
    return std::all_of(first, bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

Status dump(std::uint32_t state, const EachSocket& each) {
    for (const int family : {AF_INET, AF_INET6}) {
        auto request = request_for(family);
        request.header.nlmsg_flags |= NLM_F_DUMP;
        request.query.idiag_states = 1U << state;
        if (const auto asked = ask_kernel(request, each); !asked) return asked;
    }
    return Done{};
}

}  // namespace

Result<std::vector<TcpListening>> listening_sockets() {
    std::vector<TcpListening> found;
    const auto asked = dump(listening, [&](const inet_diag_msg& message, std::size_t bytes) {
        found.push_back(
            {address_of(message.idiag_family, message.id.idiag_src, message.id.idiag_sport),
             message.idiag_inode, message.idiag_uid,
             attribute<std::uint64_t>(message, bytes, INET_DIAG_CGROUP_ID)});
    });
    if (!asked) return asked.error();
    return found;
}

std::vector<TcpListening> listening_at(const std::vector<TcpListening>& all,
                                       const SocketAddress& at) {
    std::vector<TcpListening> found;
    const auto fits = [&](const TcpListening& each) {
        if (each.at.port != at.port) return false;
        if (is_unspecified(at.address) || each.at.address == at.address) return true;
        // :: takes IPv4 too, unless it was told not to.
        return is_unspecified(each.at.address) &&
               (each.at.address.is_v4() == at.address.is_v4() || !each.at.address.is_v4());
    };
    std::ranges::copy_if(all, std::back_inserter(found), fits);
    return found;
}

Result<std::vector<TcpConnection>> connections() {
    std::vector<TcpConnection> found;
    const auto asked = dump(established, [&](const inet_diag_msg& message, std::size_t) {
        const auto& id = message.id;
        found.push_back({address_of(message.idiag_family, id.idiag_src, id.idiag_sport),
                         address_of(message.idiag_family, id.idiag_dst, id.idiag_dport),
                         message.idiag_inode});
    });
    if (!asked) return asked.error();
    return found;
}

Result<std::optional<TcpFigures>> figures_of(const SocketAddress& local,
                                             const SocketAddress& remote) {
    const bool is_v4 = local.address.is_v4() && remote.address.is_v4();
    auto request = request_for(is_v4 ? AF_INET : AF_INET6);
    request.query.idiag_ext = 1U << (INET_DIAG_INFO - 1);
    request.query.idiag_states = ~0U;
    put_address(local, is_v4, request.query.id.idiag_src, request.query.id.idiag_sport);
    put_address(remote, is_v4, request.query.id.idiag_dst, request.query.id.idiag_dport);
    request.query.id.idiag_cookie[0] = request.query.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    std::optional<TcpFigures> figures;
    const auto asked = ask_kernel(request, [&](const inet_diag_msg& message, std::size_t bytes) {
        // Up to the last field that is read, which came with Linux 4.6.
        constexpr auto least = offsetof(tcp_info, tcpi_bytes_received) + sizeof(std::uint64_t);
        const auto info = attribute<tcp_info>(message, bytes, INET_DIAG_INFO, least);
        if (!info) return;
        figures = {info->tcpi_bytes_acked, info->tcpi_bytes_received, info->tcpi_rtt / 1000.0,
                   info->tcpi_unacked, info->tcpi_retransmits};
    });
    if (!asked) return asked.error();
    return figures;
}

}  // namespace relay
