#include "daemon/forwards/sealed_passage.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemon/io/marked_move.h"
#include "daemon/io/socket_count.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t text_most_bytes = 32 * record_text_most_bytes;
// On the stack: there is no need to hold any of it between two calls.
using Text = std::array<std::uint8_t, text_most_bytes>;

bool is_temporary(int error) {
    return error == EAGAIN || error == EINTR;
}

}  // namespace

SealedPassage::SealedPassage(SessionDriver& driver, StreamId stream, SealRecord& seal, int fd,
                             std::uint64_t marked_as)
    : driver_(driver),
      stream_(stream),
      seal_(seal),
      sealer_(seal.kind, seal.out),
      opener_(seal.kind, seal.in, seal.owed_in),
      is_unix_(is_unix_socket(fd)),
      marked_as_(marked_as) {
    if (marked_as_ != 0) note_use(fd);
}

SealedPassage::Moved SealedPassage::read(int fd, std::size_t most) {
    // Sealed by a process that was killed before it had taken them off.
    if (!take_off(fd, std::exchange(seal_.owed_out, 0))) return {Outcome::Broken};
    if (sealer_.ended()) {
        driver_.session().finish(stream_);
        return {Outcome::Ended};
    }
    const auto space = driver_.session().write_space_of(stream_, record_least_bytes);
    const std::size_t room = space[0].size() + space[1].size();
    if (room == 0) return {Outcome::NoRoom};
    Text text;
    const ssize_t size = recv(fd, text.data(), std::min({most, room, text.size()}), MSG_PEEK);
    if (size == 0) return was_reset_ ? Moved{Outcome::Broken} : end_of_socket();
    if (size < 0) {
        driver_.session().wrote(stream_, 0);
        return {is_temporary(errno) ? Outcome::Fine : Outcome::Broken};
    }
    const auto sealed = sealer_.seal(Bytes{text}.first(static_cast<std::size_t>(size)), space);
    sealer_.commit();
    driver_.session().wrote(stream_, sealed.written);
    if (!take_off(fd, sealed.taken)) return {Outcome::Broken};
    return {Outcome::Fine, sealed.taken};
}

SealedPassage::Moved SealedPassage::end_of_socket() {
    const std::size_t written =
        sealer_.seal_end(driver_.session().write_space_of(stream_, record_least_bytes));
    sealer_.commit();
    driver_.session().wrote(stream_, written);
    driver_.session().finish(stream_);
    return {Outcome::Ended};
}

bool SealedPassage::take_off(int fd, std::uint64_t count) {
    Text dropped;
    while (count > 0) {
        const std::size_t most = std::min<std::uint64_t>(count, dropped.size());
        const ssize_t size = take_off_once(fd, MutableBytes{dropped}.first(most));
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        count -= static_cast<std::uint64_t>(size);
    }
    return true;
}

// TCP drops bytes without a copy; others have to be asked for them. Of a reset a marked call tells
// before the bytes that came before it.
ssize_t SealedPassage::take_off_once(int fd, MutableBytes room) {
    if (marked_as_ == 0) return recv(fd, room.data(), room.size(), is_unix_ ? 0 : MSG_TRUNC);
    MarkedMove marked{driver_.session().mark(), marked_as_, MoveMark::Way::FromSocket,
                      seal_.socket_given};
    const iovec piece{room.data(), room.size()};
    ssize_t size = marked.receive(fd, &piece, 1);
    if (size < 0 && errno == ECONNRESET && !was_reset_) {
        was_reset_ = true;
        size = marked.receive(fd, &piece, 1);
    }
    if (size > 0) seal_.socket_given += static_cast<std::uint64_t>(size);
    return size;
}

ssize_t SealedPassage::give(int fd, Bytes text) {
    if (marked_as_ == 0) return send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    MarkedMove marked{driver_.session().mark(), marked_as_, MoveMark::Way::ToSocket,
                      seal_.socket_taken};
    const iovec piece{const_cast<std::uint8_t*>(text.data()), text.size()};
    const ssize_t size = marked.send(fd, &piece, 1);
    if (size > 0) seal_.socket_taken += static_cast<std::uint64_t>(size);
    return size;
}

SealedPassage::Moved SealedPassage::write(int fd, std::size_t most) {
    for (;;) {
        const auto held = driver_.session().read_data(stream_);
        Text room;
        const auto text = opener_.open(held, room);
        if (!text) return {Outcome::Changed};
        if (text->empty()) {
            const std::size_t done = opener_.taken(0);
            if (done == 0) return {is_cut_short(held) ? Outcome::Changed : Outcome::Fine};
            driver_.session().consumed(stream_, done, now());
            continue;
        }
        const Bytes wanted = text->first(std::min(text->size(), most));
        const ssize_t size = give(fd, wanted);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EPIPE && is_unix_ && !sealer_.ended()) {
            was_reset_ = true;
            return {Outcome::Deaf};
        }
        if (size < 0 && errno != EAGAIN) return {Outcome::Broken};
        const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
        driver_.session().consumed(stream_, opener_.taken(count), now());
        return {count < wanted.size() ? Outcome::Blocked : Outcome::Fine, count};
    }
}

// A part of a record, of which the rest never comes.
bool SealedPassage::is_cut_short(const std::array<Bytes, 2>& held) const {
    if (held[0].empty()) return false;
    const auto info = driver_.session().info(stream_);
    return info && info->received_all;
}

}  // namespace relay
