// Watches one port of an ssh session: probes it, tells relayd, and ends with the session, or ends
// it.
//
//     Settling --the port is ours--> Probing --a failure too many, a newer session--> over
//
// The end of the session leads to over at any time.
#pragma once

#include <string>

#include "common/base/probe_kind.h"
#include "common/base/time.h"
#include "ctl/probing/local_probe.h"
#include "ctl/watching/announcer.h"
#include "ctl/watching/own_session.h"
#include "ctl/watching/relay_link.h"

namespace relay {

struct WatchOptions {
    SocketAddress at;
    ProbeKind probe = ProbeKind::Auto;
    Duration every = std::chrono::seconds{30};
    unsigned failures = 1;  // So many in a row are too many.
    std::string socket;     // relayd's, for watched ports.
};

class Watch {
public:
    Watch(const WatchOptions& options, const Announcer& announcer);

    // Returns when it is over: the port is not ours, its probe fails, or the session has ended.
    void run();

private:
    void settle();
    void settle_with_relayd();
    void settle_among_ourselves();
    void wait();
    void handle_link();
    void link_said(const LinkEvent& event);
    void begin_probe();
    bool client_is_gone() const;
    void probed(LocalProbeResult result);
    void report(const ProbeSnapshot& probe);
    bool session_is_gone() const;
    void over(const std::string& kind, const std::string& text);
    void end_own_session();
    void bury_own_session();

    WatchOptions options_;
    const Announcer& announcer_;
    OwnSession session_;
    RelayLink link_;
    std::optional<LocalProbe> probe_;
    TimePoint next_probe_;
    unsigned failures_ = 0;
    std::string refusal_;  // Why relayd does not register the port.
    bool settled_ = false;
    bool over_ = false;
};

}  // namespace relay
