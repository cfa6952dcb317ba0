// Who holds a listening port, found with the caller's rights: by the descriptors of processes where
// they may be read, else by the login session that the kernel says the socket was made in.
#pragma once

#include <string>
#include <vector>

#include "ctl/kernel/proc.h"
#include "ctl/kernel/tcp_sockets.h"

namespace relay {

enum class Evidence {
    Descriptor,    // It has the socket open.
    LoginSession,  // It is the caller's sshd in the login session of the socket.
};

struct Holder {
    Process process;
    Evidence evidence = Evidence::Descriptor;
    std::string client = {};  // Of its ssh session, ADDRESS:PORT.
    std::string login = {};   // Its number.
};

struct HolderSearch {
    std::vector<Holder> holders = {};
    std::string unseen = {};  // Why there are none.
};

// For each listener, in their order.
std::vector<HolderSearch> find_holders(const std::vector<TcpListening>& listeners);
// Looks again: whether this process, and no later one with its number, still holds it.
bool still_holds(const Holder& holder, const TcpListening& listener);

}  // namespace relay
