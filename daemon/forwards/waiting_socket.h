// A connection that was accepted here and whose stream is not ready for it. Nothing is read from
// it: if this process is killed, it comes again by the next one.
#pragma once

#include <functional>

#include "daemon/io/parking.h"
#include "daemon/io/poll.h"

namespace relay {

class WaitingSocket {
public:
    // `parking` outlives it. `on_dead`: the connection was reset by its other end; may destroy
    // this.
    WaitingSocket(Loop& loop, Parking& parking, UniqueFd socket, std::function<void()> on_dead);
    // Nobody has taken it: it is reset.
    ~WaitingSocket();

    void watch() { poll_.set_interest({.broken = true}); }
    UniqueFd take();

private:
    void broken();

    Parking& parking_;
    std::function<void()> on_dead_;
    Poll poll_;
    bool is_mine_ = true;
};

}  // namespace relay
