// Connects to a service on the home's side: resolves names on a worker, asks which addresses may be
// dialled, then tries them one after another. A unix socket is its own only address.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/host_port.h"
#include "common/wire/close_reason.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"
#include "daemon/io/worker.h"

namespace relay {

class TargetDialer {
public:
    struct Failure {
        ResetReason reason;
        std::string text;  // With the address and the system's words.
    };
    // `address` is one that the host resolved to, as text. It is the address itself that is
    // judged and dialled, so that a name cannot lead elsewhere.
    using MayDial = std::function<bool(const std::string& address)>;
    // Once, never from within the constructor; may destroy the dialer.
    using OnDone = std::function<void(std::variant<UniqueFd, Failure>)>;

    TargetDialer(Loop& loop, HostPort target, Duration deadline, MayDial may_dial, OnDone on_done);
    ~TargetDialer();
    TargetDialer(const TargetDialer&) = delete;
    TargetDialer& operator=(const TargetDialer&) = delete;

    // Called with each socket that begins to connect, whose own address is known then.
    void set_on_begun(std::function<void(int fd)> on_begun) { on_begun_ = std::move(on_begun); }

private:
    struct Address;
    struct Resolved;

    void resolve();
    static Resolved addresses_of(const HostPort& target, int flags);
    void resolved(const Resolved& result);
    void try_next();
    void connected();
    void fail(Failure failure);

    Loop& loop_;
    HostPort target_;
    MayDial may_dial_;
    OnDone on_done_;
    std::function<void(int fd)> on_begun_;
    UvTimer deadline_;
    UvTimer retry_;  // While the backlog of a unix socket is full.
    Deferred begin_;
    WorkTicket resolving_;
    std::vector<Address> addresses_;
    std::size_t next_ = 0;
    std::unique_ptr<Poll> connecting_;
    Failure last_failure_;
};

}  // namespace relay
