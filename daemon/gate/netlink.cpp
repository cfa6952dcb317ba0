#include "daemon/gate/netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

#include "common/base/bytes.h"

namespace relay {

namespace {

constexpr std::uint32_t packet_bytes = 64;  // Of a packet, that we want to see: its addresses.

Error netlink_error(const char* what) {
    return {ErrorCode::System, std::string{what} + ": " + std::strerror(errno)};
}

Result<UniqueFd> open_netlink(std::uint32_t groups) {
    UniqueFd fd{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER)};
    if (!fd) return netlink_error("netlink");
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return netlink_error("netlink");
    }
    return fd;
}

// One message of NFLOG's configuration.
struct Configuration {
    nlmsghdr header;
    nfgenmsg family;
    nlattr head;
    union {
        nfulnl_msg_config_cmd command;
        nfulnl_msg_config_mode mode;
        std::uint32_t number;
    } value;
};

template <typename Value>
bool configure(int fd, std::uint16_t group, std::uint16_t attribute, const Value& value) {
    Configuration message{};
    const auto value_bytes = static_cast<std::uint16_t>(sizeof(nlattr) + sizeof value);
    message.header.nlmsg_len =
        static_cast<std::uint32_t>(sizeof(nlmsghdr) + sizeof(nfgenmsg) + NLA_ALIGN(value_bytes));
    message.header.nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
    message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    message.family.nfgen_family = AF_UNSPEC;
    message.family.version = NFNETLINK_V0;
    message.family.res_id = htons(group);
    message.head.nla_len = value_bytes;
    message.head.nla_type = attribute;
    std::memcpy(&message.value, &value, sizeof value);
    if (::send(fd, &message, message.header.nlmsg_len, 0) < 0) return false;
    std::array<std::uint8_t, 256> answer{};
    // The kernel answers before send() returns.
    const auto size = ::recv(fd, answer.data(), answer.size(), 0);
    if (size < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr))) return false;
    nlmsgerr error{};
    std::memcpy(&error, answer.data() + sizeof(nlmsghdr), sizeof error);
    errno = -error.error;
    return error.error == 0;
}

std::optional<IpAddress> source_of(Bytes packet) {
    if (packet.empty()) return {};
    IpAddress address;
    if (packet[0] >> 4 == 4 && packet.size() >= 20) {
        address.bytes[10] = address.bytes[11] = 0xff;
        std::memcpy(address.bytes.data() + 12, packet.data() + 12, 4);
        return address;
    }
    if (packet[0] >> 4 == 6 && packet.size() >= 40) {
        std::memcpy(address.bytes.data(), packet.data() + 8, 16);
        return address;
    }
    return {};
}

// One packet that a rule has logged; nothing if it is not one of ours.
std::optional<Knock> read_note(Bytes attributes) {
    std::optional<KnockNote> note;
    std::optional<IpAddress> from;
    while (attributes.size() >= sizeof(nlattr)) {
        nlattr head{};
        std::memcpy(&head, attributes.data(), sizeof head);
        if (head.nla_len < sizeof head || head.nla_len > attributes.size()) break;
        const auto value = attributes.subspan(sizeof head, head.nla_len - sizeof head);
        const int kind = head.nla_type & NLA_TYPE_MASK;
        if (kind == NFULA_PAYLOAD) from = source_of(value);
        if (kind == NFULA_PREFIX) {
            const auto text = text_of(value);
            const auto parsed = parse_log_prefix(text.substr(0, text.find('\0')));
            if (parsed) note = *parsed;
        }
        attributes =
            attributes.subspan(std::min<std::size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
    }
    if (!note || !from) return {};
    return Knock{*note, *from};
}

}  // namespace

Result<std::unique_ptr<KnockNotes>> KnockNotes::open(Loop& loop,
                                                     std::function<void(const Knock&)> on_knock) {
    auto fd = open_netlink(0);
    if (!fd) return fd.error();
    nfulnl_msg_config_cmd bind{};
    bind.command = NFULNL_CFG_CMD_BIND;
    nfulnl_msg_config_mode mode{};
    mode.copy_mode = NFULNL_COPY_PACKET;
    mode.copy_range = htonl(packet_bytes);
    const std::uint32_t at_once = htonl(1);
    const bool is_done = configure(fd->get(), gates_log_group, NFULA_CFG_CMD, bind) &&
                         configure(fd->get(), gates_log_group, NFULA_CFG_MODE, mode) &&
                         configure(fd->get(), gates_log_group, NFULA_CFG_QTHRESH, at_once);
    if (!is_done) return netlink_error("NFLOG");
    return std::unique_ptr<KnockNotes>{new KnockNotes{loop, *std::move(fd), std::move(on_knock)}};
}

KnockNotes::KnockNotes(Loop& loop, UniqueFd socket, std::function<void(const Knock&)> on_knock)
    : on_knock_(std::move(on_knock)),
      poll_(loop, std::move(socket), [this](PollEvents) { read_some(); }) {
    poll_.set_interest({.readable = true});
}

void KnockNotes::read_some() {
    std::array<std::uint8_t, 16384> buffer;
    const auto size = ::recv(poll_.fd(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return;  // Lost ones are told by the counters.
    Bytes rest = Bytes{buffer}.first(static_cast<std::size_t>(size));
    while (rest.size() >= sizeof(nlmsghdr) + sizeof(nfgenmsg)) {
        nlmsghdr header{};
        std::memcpy(&header, rest.data(), sizeof header);
        if (header.nlmsg_len < sizeof(nlmsghdr) + sizeof(nfgenmsg) ||
            header.nlmsg_len > rest.size()) {
            return;
        }
        if (header.nlmsg_type == ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET)) {
            const auto body = rest.first(header.nlmsg_len);
            const auto knock = read_note(body.subspan(sizeof(nlmsghdr) + sizeof(nfgenmsg)));
            if (knock) on_knock_(*knock);
        }
        rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
}

Result<std::unique_ptr<RuleChanges>> RuleChanges::open(Loop& loop,
                                                       std::function<void()> on_change) {
    auto fd = open_netlink(1U << (NFNLGRP_NFTABLES - 1));
    if (!fd) return fd.error();
    return std::unique_ptr<RuleChanges>{
        new RuleChanges{loop, *std::move(fd), std::move(on_change)}};
}

RuleChanges::RuleChanges(Loop& loop, UniqueFd socket, std::function<void()> on_change)
    : on_change_(std::move(on_change)),
      poll_(loop, std::move(socket), [this](PollEvents) { read_some(); }) {
    poll_.set_interest({.readable = true});
}

void RuleChanges::read_some() {
    std::array<std::uint8_t, 16384> buffer;
    for (;;) {
        const auto size = ::recv(poll_.fd(), buffer.data(), buffer.size(), 0);
        // ENOBUFS: more has happened than fits, and what does not matter.
        if (size < 0 && errno != ENOBUFS && errno != EINTR) break;
        if (size == 0) break;
    }
    on_change_();
}

}  // namespace relay
