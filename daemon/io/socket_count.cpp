#include "daemon/io/socket_count.h"

// Not <netinet/tcp.h>: its tcp_info ends before the counters.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

// As tcp_info has them (include/net/tcp_states.h).
enum State : std::uint8_t {
    Established = 1,
    SynSent = 2,
    FinWait1 = 4,
    FinWait2 = 5,
    TimeWait = 6,
    Closed = 7,
    CloseWait = 8,
    LastAck = 9,
    Closing = 11,
};

bool has_sent_fin(std::uint8_t state) {
    return state == FinWait1 || state == FinWait2 || state == TimeWait || state == Closed ||
           state == LastAck || state == Closing;
}

bool has_received_fin(std::uint8_t state) {
    return state == TimeWait || state == Closed || state == CloseWait || state == LastAck ||
           state == Closing;
}

struct Reading {
    std::uint8_t state = 0;
    std::uint64_t received = 0;  // In order, with a FIN as one more byte.
    std::uint64_t unread = 0;
    std::uint64_t acknowledged = 0;  // By the peer, with ours likewise.
    std::uint64_t queued = 0;

    bool operator==(const Reading&) const = default;
};

std::optional<Reading> read_once(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    int unread = 0, queued = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    if (ioctl(fd, SIOCINQ, &unread) != 0 || ioctl(fd, SIOCOUTQ, &queued) != 0) return std::nullopt;
    return Reading{info.tcpi_state, info.tcpi_bytes_received, static_cast<std::uint64_t>(unread),
                   info.tcpi_bytes_acked, static_cast<std::uint64_t>(queued)};
}

// The peer goes on meanwhile: what one call says and what the next one says may not fit.
std::optional<Reading> read_steadily(int fd) {
    constexpr int tries = 100000;
    auto last = read_once(fd);
    for (int i = 0; last && i < tries; ++i) {
        const auto next = read_once(fd);
        if (next == last) return last;
        last = next;
    }
    return std::nullopt;
}

// To receive nothing without a copy fails in this way once a FIN has come and all was read; it does
// not after a reset. Where that cannot be asked, it is taken for a FIN.
bool has_said_its_last_byte(int fd) {
    tcp_zerocopy_receive nothing{};
    socklen_t size = sizeof nothing;
    return getsockopt(fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &nothing, &size) != 0;
}

// A socket is closed when both have said and acknowledged a FIN, but also before its connection,
// and after a reset: then its counters, if they are kept, have no FIN in them. Its error does not
// tell, whoever has failed by it has taken it. What cannot be told from a good end: a reset whose
// error was taken while there was more to read.
bool has_closed_in_good_order(int fd, const Reading& reading) {
    if (reading.received <= reading.unread) return false;
    if (reading.acknowledged == 0 || reading.queued > 0) return false;
    return reading.unread > 0 || has_said_its_last_byte(fd);
}

// Nothing if there is no connection, or none any more.
std::optional<Reading> read_connection(int fd) {
    const auto reading = read_steadily(fd);
    if (!reading || reading->state == SynSent) return std::nullopt;
    if (reading->state == Closed && !has_closed_in_good_order(fd, *reading)) return std::nullopt;
    return reading;
}

}  // namespace

std::optional<SocketCount> count_of_socket(int fd) {
    const auto reading = read_connection(fd);
    if (!reading) return std::nullopt;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return std::nullopt;
    return SocketCount{reading->received - reading->unread - has_received_fin(reading->state),
                       reading->acknowledged + reading->queued - has_sent_fin(reading->state),
                       has_sent_fin(reading->state)};
}

bool is_read_to_its_end(int fd) {
    const auto reading = read_connection(fd);
    return reading && has_received_fin(reading->state) && reading->unread == 0;
}

// The priority of its packets, which it does not have: so the socket itself keeps the note.
void note_use(int fd) {
    constexpr int in_use = 1;
    setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &in_use, sizeof in_use);
}

bool is_untouched(int fd) {
    if (is_unix_socket(fd)) {
        sockaddr_storage peer{};
        socklen_t peer_size = sizeof peer;
        int priority = 1;
        socklen_t size = sizeof priority;
        return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
               getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, &size) == 0 && priority == 0;
    }
    const auto reading = read_connection(fd);
    if (!reading) return false;
    const bool stands = reading->state == Established || reading->state == CloseWait;
    const std::uint64_t given =
        reading->received - reading->unread - has_received_fin(reading->state);
    return stands && given == 0 && reading->acknowledged + reading->queued == 0;
}

}  // namespace relay
