// How many bytes a TCP connection has given to us and taken from us, by the kernel's count. It is
// exact, whatever this process or another one was doing when it was killed.
#pragma once

#include <cstdint>
#include <optional>

namespace relay {

struct SocketCount {
    std::uint64_t given = 0;  // Bytes that were read from it,
    std::uint64_t taken = 0;  // and written to it; less a constant of each connection.
    bool ended = false;       // We have said our last byte; or it was reset, and nothing shows it.
};

// While nobody else reads or writes the socket. Nothing: not a TCP connection, or one that has
// failed. Urgent bytes must be in line (SO_OOBINLINE), or the count is off by them.
std::optional<SocketCount> count_of_socket(int fd);

// Whether its peer has said its last byte, and all of it was read.
bool is_read_to_its_end(int fd);

// To be called before the first byte of a unix socket is read or written: nobody counts them.
void note_use(int fd);
// Whether nothing was ever read from or written to a connection that was accepted here, and it
// still stands.
bool is_untouched(int fd);

}  // namespace relay
