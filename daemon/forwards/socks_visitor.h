// A connection on which SOCKS5 is spoken, until it has said where it wants to go.
#pragma once

#include <functional>

#include "common/protocols/socks5.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"
#include "daemon/io/unique_fd.h"

namespace relay {

class SocksVisitor {
public:
    // Once: where it wants to go, and the socket, which is owed a reply; or nothing, and the
    // socket is to be closed. May destroy the visitor.
    using OnDone = std::function<void(UniqueFd socket, std::optional<HostPort> asked)>;

    SocksVisitor(Loop& loop, UniqueFd socket, Duration deadline, OnDone on_done);
    SocksVisitor(const SocksVisitor&) = delete;
    SocksVisitor& operator=(const SocksVisitor&) = delete;

private:
    void readable();
    bool send_output();
    void finish(std::optional<HostPort> asked);

    Socks5Server server_;
    OnDone on_done_;
    Poll poll_;
    UvTimer deadline_;
};

// A few bytes to a socket that has taken hardly any: they fit, or the connection is broken.
bool send_at_once(int fd, Bytes bytes);

}  // namespace relay
