// Moves bytes between a socket and memory that outlives the process, so that another process can
// tell how many were moved by a call within which this one was killed. For sockets whose bytes the
// kernel does not count (docs/decisions/0025).
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>

#include "common/base/move_mark.h"

namespace relay {

// Lives while one call is made and its outcome is stored: the offset that it has moved is to be in
// memory, by one store, before this goes.
class MarkedMove {
public:
    // `mark` lies in memory that outlives the process. `socket` is not 0; `from` as in MoveMark.
    MarkedMove(MoveMark& mark, std::uint64_t socket, MoveMark::Way way, std::uint64_t from);
    ~MarkedMove();
    MarkedMove(const MarkedMove&) = delete;
    MarkedMove& operator=(const MarkedMove&) = delete;

    // As readv() and sendmsg() on a socket that does not block; of at most two pieces.
    ssize_t receive(int fd, const iovec* pieces, std::size_t count);
    ssize_t send(int fd, const iovec* pieces, std::size_t count);

private:
    MoveMark& mark_;
};

// Where a killed process has left the bytes of a socket that went `way`, if it was moving them:
// `stored` is the offset that it had in memory. Of what another process has left nothing is
// trusted: nothing, if it makes no sense.
std::optional<std::uint64_t> offset_after(const MoveMark& mark, std::uint64_t socket,
                                          MoveMark::Way way, std::uint64_t stored);

}  // namespace relay
