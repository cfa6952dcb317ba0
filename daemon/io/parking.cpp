#include "daemon/io/parking.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t descriptors_per_message = 253;  // The kernel's SCM_MAX_FD.
// A socketpair of the usual size takes about 270; from here on it is compacted.
constexpr std::size_t messages_most = 200;
constexpr std::size_t gone_least = 64;

struct ControlBuffer {
    alignas(cmsghdr) char bytes[CMSG_SPACE(descriptors_per_message * sizeof(int))];
};

void set_peek_offset(int fd, int offset) {
    setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset);
}

}  // namespace

std::uint64_t socket_id(int fd) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
    return cookie;
}

Result<Parking::Ends> Parking::make_ends() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
        return Error{ErrorCode::System, "cannot make a socketpair: " + error_text(errno)};
    }
    return Ends{UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

Parking::Parking(Ends ends, std::function<void(const std::string& why)> on_trouble)
    : ends_(std::move(ends)), on_trouble_(std::move(on_trouble)) {
    const bool in_first = find_what_lies_in(0) > 0;
    const bool in_second = find_what_lies_in(1) > 0;
    for (const auto& [id, fd] : found_) parked_.insert(fd.get());
    queue_ = in_second && !in_first ? 1 : 0;
    // A process that was killed while it compacted has left something in both, and one of the two
    // is incomplete: all goes behind what lies in the other, and once more.
    other_is_empty_ = !in_first || !in_second;
    if (!parked_.empty() && compact() && in_first && in_second) compact();
}

// Returns how many messages there are.
std::size_t Parking::find_what_lies_in(std::size_t queue) {
    std::size_t messages = 0;
    const int end = ends_[queue].get();
    set_peek_offset(end, 0);
    for (;;) {
        ControlBuffer control;
        char byte = 0;
        iovec data{&byte, 1};
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        if (recvmsg(end, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) break;
        ++messages;
        if ((message.msg_flags & MSG_CTRUNC) != 0 && on_trouble_) {
            on_trouble_("some connections of the former process are lost: " + error_text(EMFILE));
        }
        for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
            const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
                UniqueFd owned{fd};
                const std::uint64_t id = socket_id(fd);
                if (id != 0) found_.try_emplace(id, std::move(owned));
            }
        }
    }
    set_peek_offset(end, -1);
    return messages;
}

void Parking::park(int fd) {
    if (!is_active() || !parked_.insert(fd).second) return;
    if (messages_ < messages_most && send(queue_, &fd, 1)) return;
    if (compact()) in_trouble_ = false;
}

void Parking::unpark(int fd, When when) {
    if (parked_.erase(fd) == 0) return;
    ++gone_;
    if (when == When::AtOnce || gone_ > parked_.size() + gone_least) compact();
}

bool Parking::compact() {
    const std::size_t other = 1 - queue_;
    if (!send_all(other)) {
        if (other_is_empty_) empty(other);  // What is in use has all but the newest.
        messages_ = messages_most;          // These are tried again with the next that is parked.
        return false;
    }
    empty(queue_);
    queue_ = other;
    other_is_empty_ = true;
    messages_ = parked_.size() / descriptors_per_message + 1;
    gone_ = 0;
    return true;
}

bool Parking::send_all(std::size_t queue) {
    const std::vector<int> all{parked_.begin(), parked_.end()};
    for (std::size_t first = 0; first < all.size(); first += descriptors_per_message) {
        const std::size_t count = std::min(all.size() - first, descriptors_per_message);
        if (!send(queue, &all[first], count)) return false;
    }
    return true;
}

bool Parking::send(std::size_t queue, const int* fds, std::size_t count) {
    ControlBuffer control;
    char byte = 0;
    iovec data{&byte, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(part), fds, count * sizeof(int));
    if (sendmsg(ends_[1 - queue].get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        trouble(errno);
        return false;
    }
    ++messages_;
    return true;
}

// Descriptors in messages that are read without room for them are closed by the kernel.
void Parking::empty(std::size_t queue) {
    char byte = 0;
    while (recv(ends_[queue].get(), &byte, 1, MSG_DONTWAIT) > 0) {
    }
}

// A full queue is nothing to speak of: it is compacted.
void Parking::trouble(int error_number) {
    if (error_number == EAGAIN || std::exchange(in_trouble_, true) || !on_trouble_) return;
    on_trouble_("connections that begin now would not outlive a restart: " +
                error_text(error_number));
}

std::vector<Parking::Found> Parking::found() const {
    std::vector<Found> found;
    for (const auto& [id, fd] : found_) found.push_back({id, fd.get()});
    return found;
}

std::optional<int> Parking::find(std::uint64_t id) const {
    const auto found = found_.find(id);
    return found == found_.end() ? std::nullopt : std::optional{found->second.get()};
}

UniqueFd Parking::claim(std::uint64_t id) {
    const auto found = found_.find(id);
    if (found == found_.end()) return {};
    UniqueFd fd = std::move(found->second);
    found_.erase(found);
    return fd;
}

bool Parking::has_listener(const std::string& address) const {
    return std::any_of(found_.begin(), found_.end(), [&](const auto& each) {
        return is_listening(each.second.get()) && local_address_text(each.second.get()) == address;
    });
}

UniqueFd Parking::claim_listener(const std::string& address) {
    for (const auto& [id, fd] : found_) {
        if (!is_listening(fd.get()) || local_address_text(fd.get()) != address) continue;
        return claim(id);
    }
    return {};
}

}  // namespace relay
