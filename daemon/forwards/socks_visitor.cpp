#include "daemon/forwards/socks_visitor.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace relay {

SocksVisitor::SocksVisitor(Loop& loop, UniqueFd socket, Duration deadline, OnDone on_done)
    : on_done_(std::move(on_done)),
      poll_(loop, std::move(socket), [this](PollEvents) { readable(); }),
      deadline_(loop, [this] { finish(std::nullopt); }) {
    deadline_.arm(deadline);
    poll_.set_interest({.readable = true});
}

// Never a byte more than is meant for us: the rest is the stream's, and the kernel counts it.
void SocksVisitor::readable() {
    std::array<std::uint8_t, 255> room;
    while (server_.wanted() > 0) {
        const ssize_t size = ::recv(poll_.fd(), room.data(), server_.wanted(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) return finish(std::nullopt);
        server_.receive(Bytes{room}.first(static_cast<std::size_t>(size)));
        if (!send_output()) return finish(std::nullopt);
    }
    finish(server_.asked());
}

bool SocksVisitor::send_output() {
    const ByteVector output = server_.take_output();
    return output.empty() || send_at_once(poll_.fd(), output);
}

void SocksVisitor::finish(std::optional<HostPort> asked) {
    deadline_.disarm();
    const OnDone on_done = std::move(on_done_);
    on_done(poll_.take_fd(), std::move(asked));
}

bool send_at_once(int fd, Bytes bytes) {
    const ssize_t size = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return size == static_cast<ssize_t>(bytes.size());
}

}  // namespace relay
