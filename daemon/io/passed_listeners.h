// Listening sockets that the service manager opens by itself and passes to each process of the
// service in turn. They stay its own: they listen on when this process has closed its copies, so
// these are never shut down.
#pragma once

#include <string>
#include <vector>

#include "daemon/io/unique_fd.h"

namespace relay {

class PassedListeners {
public:
    // Any but a listening TCP socket is closed, and false returned.
    bool add(UniqueFd socket);

    // A copy of the one that takes connections to this address (see address_text()), which may be
    // one to "[::]" for "0.0.0.0". Nothing: there is none.
    UniqueFd open(const std::string& address);
    // The copy is closed: nobody accepts from it any more.
    void closed(int copy);
    bool has(const std::string& address) const;

    std::vector<std::string> addresses() const;
    // From which nobody accepts.
    std::vector<std::string> unserved() const;

private:
    struct Passed {
        UniqueFd socket;
        std::string address;
        bool takes_both;  // "[::]" that takes IPv4 as well.
        int copies = 0;
    };

    const Passed* find(const std::string& address) const;

    std::vector<Passed> passed_;
};

}  // namespace relay
