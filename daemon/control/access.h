// Who may use the control socket, and the bus.
#pragma once

#include <optional>
#include <string>

#include "daemon/io/unix_listener.h"

namespace relay {

// Root, our own user, and members of `group`, if there is one. As the kernel knew the peer when it
// connected: whoever was added to the group must log in again, as for files.
class ControlAccess {
public:
    explicit ControlAccess(std::string group);

    // Nothing if the peer may; else why not, and what to do about it.
    std::optional<std::string> refusal_of(const UnixPeer& peer) const;

private:
    std::string group_;
    std::optional<gid_t> group_id_;
    uid_t own_uid_;
};

}  // namespace relay
