// A stream's socket, as its session keeps it for whoever goes on after this process.
#pragma once

#include <functional>
#include <optional>
#include <set>

#include "common/session/session.h"
#include "daemon/io/parking.h"

namespace relay {

// To be noted before the first byte moves. None while nothing is parked.
LocalSocket note_of_socket(int fd, const Parking& parking);

// Finds the sockets that a former process has left, for its sessions.
class KeptSockets {
public:
    // `mark` is what that process has left of its last call.
    KeptSockets(Parking& parking, const MoveMark& mark) : parking_(parking), mark_(mark) {}
    KeptSockets(Parking& parking, const SessionRemains& remains)
        : KeptSockets(parking, remains.arena().mark()) {}

    // For Session: how far a socket is. See Session::FindSocket.
    std::optional<SocketPosition> find(const LocalSocket& socket,
                                       const SocketPosition& written_down);
    Session::FindSocket finder() {
        return [this](const LocalSocket& socket, const SocketPosition& written_down) {
            return find(socket, written_down);
        };
    }
    // For the stream that goes on with it.
    UniqueFd claim(const LocalSocket& socket) { return parking_.claim(socket.id); }
    // Those that were asked for and not claimed: their streams are over, and so are they.
    void end_the_others();

private:
    Parking& parking_;
    const MoveMark mark_;  // A copy.
    std::set<std::uint64_t> asked_for_;
};

// Ends a parked connection that nobody goes on with.
void end_parked(Parking& parking, UniqueFd socket);
// The same for one whose stream is over already: in good order, if that is how it ended.
void end_forgotten(Parking& parking, UniqueFd socket);

}  // namespace relay
