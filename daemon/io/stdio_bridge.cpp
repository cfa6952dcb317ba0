#include "daemon/io/stdio_bridge.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <thread>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10;

ssize_t read_some(int fd, std::array<char, piece_bytes>& room) {
    for (;;) {
        const ssize_t size = ::read(fd, room.data(), room.size());
        if (size >= 0 || errno != EINTR) return size;
    }
}

bool write_all(int fd, const char* bytes, std::size_t size) {
    while (size > 0) {
        const ssize_t written = ::write(fd, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

void carry(int from, int to) {
    const auto room = std::make_unique<std::array<char, piece_bytes>>();
    for (;;) {
        const ssize_t size = read_some(from, *room);
        if (size <= 0 || !write_all(to, room->data(), static_cast<std::size_t>(size))) return;
    }
}

Error system_error(const char* what) {
    return Error{ErrorCode::System, std::string(what) + ": " + error_text(errno)};
}

}  // namespace

Result<std::unique_ptr<StdioBridge>> StdioBridge::open(Loop& loop,
                                                       std::function<void()> on_output_over) {
    int ends[2];
    int over[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return system_error("no socket for standard input");
    }
    UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, over) != 0) {
        return system_error("no socket for standard output");
    }
    UniqueFd told{over[0]};
    UniqueFd tells{over[1]};
    (void)::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    (void)::fcntl(told.get(), F_SETFL, O_NONBLOCK);
    // Each thread has descriptors of its own, for as long as it runs: perhaps until the end.
    const int to_stream = ::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 0);
    if (to_stream < 0) return system_error("no descriptor for standard input");
    std::thread{[to_stream] {
        carry(STDIN_FILENO, to_stream);
        (void)::shutdown(to_stream, SHUT_WR);
        (void)::close(to_stream);
    }}.detach();
    std::thread{[from_stream = theirs.release(), tells = tells.release()] {
        carry(from_stream, STDOUT_FILENO);
        // Whoever reads it is to see the end now, while input may go on.
        (void)::close(STDOUT_FILENO);
        (void)::shutdown(from_stream, SHUT_RD);
        (void)::close(from_stream);
        (void)::close(tells);
    }}.detach();
    return std::unique_ptr<StdioBridge>{
        new StdioBridge(loop, std::move(ours), std::move(told), std::move(on_output_over))};
}

StdioBridge::StdioBridge(Loop& loop, UniqueFd socket, UniqueFd output_over,
                         std::function<void()> on_output_over)
    : socket_(std::move(socket)),
      on_output_over_(std::move(on_output_over)),
      output_over_(loop, std::move(output_over), [this](PollEvents) {
          output_over_.set_interest({});
          on_output_over_();
      }) {
    output_over_.set_interest({.readable = true});
}

}  // namespace relay
