// The local end of a stream: a socket, a probe, or a target that is still being dialled.
#pragma once

#include "common/wire/close_reason.h"

namespace relay {

// Owned by its SessionDriver, which calls it while it hands out events. None of these may destroy
// the end; all may use the session. What they change is settled after they return.
class StreamEnd {
public:
    virtual ~StreamEnd() = default;  // Closes the local side, in good order if not reset() before.

    virtual void connected() {}  // The far end has its socket.
    virtual void readable() = 0;
    virtual void writable() = 0;
    virtual void finished() = 0;                 // The peer's last byte is consumed.
    virtual void closed() = 0;                   // Over in good order; destroyed next.
    virtual void reset(ResetReason reason) = 0;  // Over by reset; destroyed next.
};

}  // namespace relay
