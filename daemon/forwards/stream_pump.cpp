#include "daemon/forwards/stream_pump.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "daemon/io/socket_count.h"
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

StreamPump::StreamPump(Loop& loop, UniqueFd socket, SessionDriver& driver, Parking& parking,
                       RateLimits* rates)
    : turn_length_(loop.turn_length()),
      driver_(driver),
      parking_(parking),
      poll_(loop, std::move(socket), [this](PollEvents events) { ready(events); }),
      reading_turn_(rates ? &rates->out : nullptr, [this] { go_on_reading(); }),
      writing_turn_(rates ? &rates->in : nullptr, [this] { go_on_writing(); }) {
    if (parking_.is_active() && is_unix_socket(poll_.fd())) marked_as_ = socket_id(poll_.fd());
}

StreamPump::~StreamPump() {
    if (!over_) abort_connection(poll_.fd());
    parking_.unpark(poll_.fd());
}

void StreamPump::start(StreamId stream) {
    stream_ = stream;
    if (SealRecord* seal = driver_.session().seal(stream)) {
        sealed_ = std::make_unique<SealedPassage>(driver_, stream, *seal, poll_.fd(), marked_as_);
    }
    watch();
}

// Called by the loop. Nothing may follow what settles, which can destroy this.
void StreamPump::ready(PollEvents events) {
    Outcome outcome = Outcome::Fine;
    if (events.writable) {
        write_blocked_ = false;
        outcome = write_some();
    }
    const bool reads = may_read();
    if (outcome == Outcome::Fine && events.readable && reads) outcome = read_some();
    if (outcome == Outcome::Fine && !reads && (events.readable || events.broken)) {
        if (socket_is_dead(poll_.fd())) outcome = Outcome::Broken;
        heeds_breakage_ = false;  // A good end or urgent data: we would be told for ever.
    }
    if (outcome != Outcome::Fine) return fail(outcome);
    watch();
    driver_.settle();
}

void StreamPump::fail(Outcome outcome) {
    driver_.reset(stream_,
                  outcome == Outcome::Changed ? ResetReason::Unauthentic : ResetReason::PeerReset);
}

StreamPump::Outcome StreamPump::read_some() {
    if (sealed_) {
        const std::size_t most = reading_turn_.ask();
        return most == 0 ? Outcome::Fine : read_sealed(most, now());
    }
    const auto space = driver_.session().write_space(stream_);
    if (space[0].empty()) {
        has_room_ = false;
        return Outcome::Fine;
    }
    const std::size_t granted = reading_turn_.ask();
    if (granted == 0) return Outcome::Fine;
    const auto time = now();
    const auto vectors = vectors_of(
        space, std::min(granted, turn_length_.records(time) * SessionDriver::bytes_per_record));
    Marked marked;  // Until it is stored what was moved.
    const ssize_t size = receive(marked, vectors);
    if (size < 0 && !is_temporary(errno)) return Outcome::Broken;
    if (size == 0 && was_reset_) return Outcome::Broken;
    const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
    driver_.session().wrote(stream_, count);
    driver_.count_out(count);
    reading_turn_.used(count);
    if (count > 0) turn_length_.saw(count, read_before_, time);
    if (size == 0) {
        reading_ = false;
        driver_.session().finish(stream_);
    }
    return Outcome::Fine;
}

// Of a reset it is told before the bytes that came before it, which TCP would drop.
ssize_t StreamPump::receive(Marked& marked, const Vectors& vectors) {
    const std::size_t pieces = vectors[1].iov_len > 0 ? 2 : 1;
    if (marked_as_ == 0) return readv(poll_.fd(), vectors.data(), static_cast<int>(pieces));
    const std::uint64_t from = driver_.session().position(stream_).given;
    if (from == 0) note_use(poll_.fd());
    marked.emplace(driver_.session().mark(), marked_as_, MoveMark::Way::FromSocket, from);
    const ssize_t size = marked->receive(poll_.fd(), vectors.data(), pieces);
    if (size >= 0 || errno != ECONNRESET || was_reset_) return size;
    was_reset_ = true;
    return marked->receive(poll_.fd(), vectors.data(), pieces);
}

ssize_t StreamPump::send(Marked& marked, const Vectors& vectors) {
    const std::size_t pieces = vectors[1].iov_len > 0 ? 2 : 1;
    if (marked_as_ == 0) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(vectors.data());
        message.msg_iovlen = pieces;
        return sendmsg(poll_.fd(), &message, MSG_NOSIGNAL);
    }
    const std::uint64_t from = driver_.session().position(stream_).taken;
    if (from == 0) note_use(poll_.fd());
    marked.emplace(driver_.session().mark(), marked_as_, MoveMark::Way::ToSocket, from);
    return marked->send(poll_.fd(), vectors.data(), pieces);
}

StreamPump::Outcome StreamPump::read_sealed(std::size_t most, TimePoint time) {
    most = std::min(most, turn_length_.records(time) * SessionDriver::bytes_per_record);
    const auto [outcome, count] = sealed_->read(poll_.fd(), most);
    if (outcome == SealedPassage::Outcome::Broken) return Outcome::Broken;
    has_room_ = outcome != SealedPassage::Outcome::NoRoom;
    if (outcome == SealedPassage::Outcome::Ended) reading_ = false;
    driver_.count_out(count);
    reading_turn_.used(count);
    if (count > 0) turn_length_.saw(count, read_before_, time);
    return Outcome::Fine;
}

StreamPump::Outcome StreamPump::write_sealed() {
    while (!write_blocked_ && !over_ && !was_reset_) {
        const std::size_t most = writing_turn_.ask();
        if (most == 0) return Outcome::Fine;
        const auto [outcome, count] = sealed_->write(poll_.fd(), most);
        if (outcome == SealedPassage::Outcome::Broken) return Outcome::Broken;
        if (outcome == SealedPassage::Outcome::Changed) return Outcome::Changed;
        was_reset_ = outcome == SealedPassage::Outcome::Deaf;
        write_blocked_ = outcome == SealedPassage::Outcome::Blocked;
        driver_.count_in(count);
        writing_turn_.used(count);
        if (count == 0) return Outcome::Fine;
    }
    return Outcome::Fine;
}

StreamPump::Outcome StreamPump::write_some() {
    if (sealed_) return write_sealed();
    while (!write_blocked_ && !was_reset_) {
        const auto pieces = driver_.session().read_data(stream_);
        const std::size_t held = pieces[0].size() + pieces[1].size();
        if (held == 0) return Outcome::Fine;
        const std::size_t most = std::min(held, writing_turn_.ask());
        if (most == 0) return Outcome::Fine;
        const auto vectors = vectors_of(pieces, most);
        Marked marked;
        const ssize_t size = send(marked, vectors);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EPIPE && reading_ && is_unix_socket(poll_.fd())) {
            was_reset_ = true;
        }
        if (was_reset_) return Outcome::Fine;  // What it has said before is read yet.
        if (size < 0 && errno != EAGAIN) return Outcome::Broken;
        const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
        write_blocked_ = count < most;
        driver_.count_in(count);
        writing_turn_.used(count);
        driver_.session().consumed(stream_, count, now());
    }
    return Outcome::Fine;
}

// Nothing may follow what settles, which can destroy this.
void StreamPump::go_on_reading() {
    if (over_ || !reading_ || !has_room_) return;
    if (const Outcome outcome = read_some(); outcome != Outcome::Fine) return fail(outcome);
    watch();
    driver_.settle();
}

void StreamPump::go_on_writing() {
    if (over_) return;
    if (const Outcome outcome = write_some(); outcome != Outcome::Fine) return fail(outcome);
    watch();
    driver_.settle();
}

// A reset must be noticed even while nothing is read or written: a stream may be paused for long.
void StreamPump::watch() {
    const bool reads = may_read();
    const bool idle = !reads && !write_blocked_;
    poll_.set_interest({.readable = reads,
                        .writable = write_blocked_,
                        .broken = idle && heeds_breakage_ && (reading_ || writing_)});
}

void StreamPump::readable() {
    if (const Outcome outcome = write_some(); outcome != Outcome::Fine) return fail(outcome);
    watch();
}

void StreamPump::writable() {
    has_room_ = true;
    watch();
}

void StreamPump::finished() {
    // Somebody in between says that it is over, and its author does not.
    if (sealed_ && !sealed_->has_ended()) return fail(Outcome::Changed);
    writing_ = false;
    (void)shutdown(poll_.fd(), SHUT_WR);
    watch();
}

// Not left to the close: a parked copy would keep the connection open.
void StreamPump::closed() {
    over_ = true;
    if (reading_ || writing_) (void)shutdown(poll_.fd(), SHUT_RDWR);
}

void StreamPump::reset(ResetReason) {
    over_ = true;
    abort_connection(poll_.fd());
    poll_.set_interest({});
}

}  // namespace relay
