// Standard input and output as one end of a socket. Two threads carry the bytes and share nothing
// with the loop: both descriptors belong to whoever started us too, so that they cannot be made
// non-blocking, and may be files, pipes or terminals.
#pragma once

#include <functional>

#include "common/base/result.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/unique_fd.h"

namespace relay {

class StdioBridge {
public:
    // `on_output_over` is called once, on the loop: all that was written to the socket before its
    // end is written out, or can be no more. The end of the input shuts down the other end's
    // writing; that of the socket closes standard output.
    static Result<std::unique_ptr<StdioBridge>> open(Loop& loop,
                                                     std::function<void()> on_output_over);
    StdioBridge(const StdioBridge&) = delete;
    StdioBridge& operator=(const StdioBridge&) = delete;

    // For the stream: non-blocking. Once.
    UniqueFd take_socket() { return std::move(socket_); }

private:
    StdioBridge(Loop& loop, UniqueFd socket, UniqueFd output_over,
                std::function<void()> on_output_over);

    UniqueFd socket_;
    std::function<void()> on_output_over_;
    Poll output_over_;
};

}  // namespace relay
