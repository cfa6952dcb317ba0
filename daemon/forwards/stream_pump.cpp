#include "daemon/forwards/stream_pump.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

template <typename Piece>
std::array<iovec, 2> vectors_of(const std::array<Piece, 2>& pieces, std::size_t most) {
    std::array<iovec, 2> vectors{};
    for (std::size_t i = 0; i < 2; ++i) {
        const std::size_t size = std::min(pieces[i].size(), most);
        vectors[i] = {const_cast<std::uint8_t*>(pieces[i].data()), size};
        most -= size;
    }
    return vectors;
}

bool is_temporary(int error) {
    return error == EAGAIN || error == EINTR;
}

}  // namespace

StreamPump::StreamPump(Loop& loop, UniqueFd socket, SessionDriver& driver, Parking& parking)
    : turn_length_(loop.turn_length()),
      driver_(driver),
      parking_(parking),
      poll_(loop, std::move(socket), [this](PollEvents events) { ready(events); }) {
    set_no_delay(poll_.fd());
    set_urgent_in_line(poll_.fd());
}

StreamPump::~StreamPump() {
    if (!over_) abort_connection(poll_.fd());
    parking_.unpark(poll_.fd());
}

void StreamPump::start(StreamId stream) {
    stream_ = stream;
    watch();
}

// Called by the loop. Nothing may follow what settles, which can destroy this.
void StreamPump::ready(PollEvents events) {
    Outcome outcome = Outcome::Fine;
    if (events.writable) {
        write_blocked_ = false;
        outcome = write_some();
    }
    const bool reads = reading_ && has_room_;
    if (outcome == Outcome::Fine && events.readable && reads) outcome = read_some();
    if (outcome == Outcome::Fine && !reads && (events.readable || events.broken)) {
        if (socket_is_dead(poll_.fd())) outcome = Outcome::Broken;
        heeds_breakage_ = false;  // A good end or urgent data: we would be told for ever.
    }
    if (outcome == Outcome::Broken) {
        driver_.reset(stream_, ResetReason::PeerReset);
        return;
    }
    watch();
    driver_.settle();
}

StreamPump::Outcome StreamPump::read_some() {
    const auto space = driver_.session().write_space(stream_);
    if (space[0].empty()) {
        has_room_ = false;
        return Outcome::Fine;
    }
    const auto time = now();
    const auto vectors =
        vectors_of(space, turn_length_.records(time) * SessionDriver::bytes_per_record);
    const ssize_t size = readv(poll_.fd(), vectors.data(), vectors[1].iov_len > 0 ? 2 : 1);
    if (size < 0 && !is_temporary(errno)) return Outcome::Broken;
    const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
    driver_.session().wrote(stream_, count);
    driver_.count_out(count);
    if (count > 0) turn_length_.saw(count, time);
    if (size == 0) {
        reading_ = false;
        driver_.session().finish(stream_);
    }
    return Outcome::Fine;
}

StreamPump::Outcome StreamPump::write_some() {
    while (!write_blocked_) {
        const auto pieces = driver_.session().read_data(stream_);
        const std::size_t held = pieces[0].size() + pieces[1].size();
        if (held == 0) return Outcome::Fine;
        const auto vectors = vectors_of(pieces, held);
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(vectors.data());
        message.msg_iovlen = vectors[1].iov_len > 0 ? 2 : 1;
        const ssize_t size = sendmsg(poll_.fd(), &message, MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno != EAGAIN) return Outcome::Broken;
        const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
        write_blocked_ = count < held;
        driver_.count_in(count);
        driver_.session().consumed(stream_, count, now());
    }
    return Outcome::Fine;
}

// A reset must be noticed even while nothing is read or written: a stream may be paused for long.
void StreamPump::watch() {
    const bool reads = reading_ && has_room_;
    const bool idle = !reads && !write_blocked_;
    poll_.set_interest({.readable = reads,
                        .writable = write_blocked_,
                        .broken = idle && heeds_breakage_ && (reading_ || writing_)});
}

void StreamPump::readable() {
    if (write_some() == Outcome::Broken) {
        driver_.reset(stream_, ResetReason::PeerReset);
        return;
    }
    watch();
}

void StreamPump::writable() {
    has_room_ = true;
    watch();
}

void StreamPump::finished() {
    writing_ = false;
    (void)shutdown(poll_.fd(), SHUT_WR);
    watch();
}

// Not left to the close: a parked copy would keep the connection open.
void StreamPump::closed() {
    over_ = true;
    (void)shutdown(poll_.fd(), SHUT_RDWR);
}

void StreamPump::reset(ResetReason) {
    over_ = true;
    abort_connection(poll_.fd());
    poll_.set_interest({});
}

}  // namespace relay
