#include "daemon/forwards/kept_socket.h"

#include <sys/socket.h>

#include "daemon/io/marked_move.h"
#include "daemon/io/socket_count.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

LocalSocket note_of_socket(int fd, const Parking& parking) {
    if (!parking.is_active()) return {};
    if (is_unix_socket(fd)) return {.id = socket_id(fd)};
    set_urgent_in_line(fd);  // Or an urgent byte that is there already counts as given.
    const auto count = count_of_socket(fd);
    if (!count) return {};
    return {.id = socket_id(fd), .given = count->given, .taken = count->taken};
}

std::optional<SocketPosition> KeptSockets::find(const LocalSocket& socket,
                                                const SocketPosition& written_down) {
    asked_for_.insert(socket.id);
    const auto fd = parking_.find(socket.id);
    if (!fd) return std::nullopt;
    if (is_unix_socket(*fd)) {
        const auto given =
            offset_after(mark_, socket.id, MoveMark::Way::FromSocket, written_down.given);
        const auto taken =
            offset_after(mark_, socket.id, MoveMark::Way::ToSocket, written_down.taken);
        if (!given || !taken) return std::nullopt;
        return SocketPosition{*given, *taken};
    }
    const auto count = count_of_socket(*fd);
    if (!count) return std::nullopt;
    return SocketPosition{count->given - socket.given, count->taken - socket.taken, count->ended};
}

void KeptSockets::end_the_others() {
    for (const std::uint64_t id : asked_for_) {
        if (UniqueFd socket = parking_.claim(id)) end_parked(parking_, std::move(socket));
    }
}

void end_parked(Parking& parking, UniqueFd socket) {
    abort_connection(socket.get());
    parking.unpark(socket.get());
}

// A process that was killed between the end of a stream and that of its socket. If it was a good
// end, what the kernel has yet to deliver must not be lost by a reset.
void end_forgotten(Parking& parking, UniqueFd socket) {
    if (!is_read_to_its_end(socket.get())) return end_parked(parking, std::move(socket));
    (void)shutdown(socket.get(), SHUT_RDWR);
    parking.unpark(socket.get());
}

}  // namespace relay
