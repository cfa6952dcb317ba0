#include "daemon/io/marked_move.h"

#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <new>

#include "common/base/check.h"

namespace relay {

namespace {

// What the kernel never says of one call: it moves less than INT_MAX.
constexpr unsigned nothing_yet = UINT_MAX;

static_assert(sizeof(mmsghdr) <= sizeof(MoveMark::call) && alignof(mmsghdr) <= 8);

// Of what comes before it in the code nothing is stored later, and of what comes after it nothing
// sooner: see common/session/crash_fence.h.
void fence() {
    __asm__ __volatile__("" ::: "memory");
}

mmsghdr& call_in(MoveMark& mark) {
    return *std::launder(reinterpret_cast<mmsghdr*>(mark.call.data()));
}

void prepare(MoveMark& mark, const iovec* pieces, std::size_t count) {
    mmsghdr& call = call_in(mark);
    call.msg_hdr.msg_iov = const_cast<iovec*>(pieces);
    call.msg_hdr.msg_iovlen = count;
}

ssize_t moved(MoveMark& mark, int messages) {
    fence();
    if (messages < 0) return -1;
    if (messages == 1) return static_cast<ssize_t>(call_in(mark).msg_len);
    errno = EAGAIN;
    return -1;
}

}  // namespace

MarkedMove::MarkedMove(MoveMark& mark, std::uint64_t socket, MoveMark::Way way, std::uint64_t from)
    : mark_(mark) {
    check(socket != 0 && mark_.socket == 0);
    mark_.way = way;
    mark_.from = from;
    auto* call = new (mark_.call.data()) mmsghdr{};
    call->msg_len = nothing_yet;
    fence();
    mark_.socket = socket;
    fence();
}

MarkedMove::~MarkedMove() {
    fence();
    mark_.socket = 0;
    fence();
}

ssize_t MarkedMove::receive(int fd, const iovec* pieces, std::size_t count) {
    prepare(mark_, pieces, count);
    return moved(mark_, recvmmsg(fd, &call_in(mark_), 1, MSG_DONTWAIT, nullptr));
}

ssize_t MarkedMove::send(int fd, const iovec* pieces, std::size_t count) {
    prepare(mark_, pieces, count);
    return moved(mark_, sendmmsg(fd, &call_in(mark_), 1, MSG_DONTWAIT | MSG_NOSIGNAL));
}

std::optional<std::uint64_t> offset_after(const MoveMark& mark, std::uint64_t socket,
                                          MoveMark::Way way, std::uint64_t stored) {
    if (mark.socket != socket || mark.way != way) return stored;
    unsigned length = 0;
    std::memcpy(&length, mark.call.data() + offsetof(mmsghdr, msg_len), sizeof length);
    if (length == nothing_yet) return stored == mark.from ? std::optional{stored} : std::nullopt;
    const std::uint64_t reached = mark.from + length;
    // The offset was stored before the mark went, or it was not.
    if (stored != mark.from && stored != reached) return std::nullopt;
    return reached;
}

}  // namespace relay
