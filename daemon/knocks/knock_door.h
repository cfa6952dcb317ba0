// Where signed knocks arrive: sockets of UDP that never answer. What is right is passed on to
// relayd-gate, which alone may open anything.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/gates/knock_judge.h"
#include "daemon/io/poll.h"
#include "daemon/knocks/gate_line.h"
#include "daemon/log/log.h"

namespace relay {

struct KnockDoorOptions {
    std::string state_dir;
    std::string gate_socket;
};

class KnockDoor {
public:
    KnockDoor(Loop& loop, Log& log, KnockDoorOptions options);
    KnockDoor(const KnockDoor&) = delete;
    KnockDoor& operator=(const KnockDoor&) = delete;

    // Listens where the settings say, and nowhere else; what cannot be is logged.
    void apply(const Settings& settings, const std::vector<KnownPeer>& peers);

private:
    struct Listener {
        HostPort at;
        std::unique_ptr<Poll> poll;
    };
    std::unique_ptr<Poll> open(const HostPort& at);
    void read_some(int fd);
    void packet_came(Bytes packet, const IpAddress& from);
    void say_refused(const Error& error, const IpAddress& from);

    Loop& loop_;
    Log& log_;
    KnockDoorOptions options_;
    KnockJudge judge_;
    TokenBucket lines_;  // Of the log, for what is refused.
    std::vector<Listener> listeners_;
    std::vector<std::unique_ptr<GateLine>> asking_;
    Deferred removal_;
};

// Of the relayd whose control socket this is: in the folder beside that one's, /run/relayd-gate for
// /run/relayd.
std::string gate_socket_beside(const std::string& control);

}  // namespace relay
