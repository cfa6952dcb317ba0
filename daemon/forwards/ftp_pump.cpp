#include "daemon/forwards/ftp_pump.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t bytes_at_once = 16384;

bool is_temporary(int error) {
    return error == EAGAIN || error == EINTR;
}

}  // namespace

std::optional<HostPort> FtpControls::take_announced(const SessionDriver& driver, StreamId control,
                                                    std::uint16_t port) {
    const auto found = pumps_.find({&driver, control});
    if (found == pumps_.end()) return std::nullopt;
    FtpPump& pump = *found->second;
    if (!pump.end_->take_announced(port)) return std::nullopt;
    return HostPort{to_text(pump.doors_->from()), port};
}

FtpPump::FtpPump(const StreamPlace& place, UniqueFd socket, FtpControls& controls)
    : loop_(place.loop),
      driver_(place.driver),
      controls_(controls),
      poll_(place.loop, std::move(socket), [this](PollEvents events) { ready(events); }),
      reading_turn_(place.rates ? &place.rates->out : nullptr, [this] { go_on(read_some()); }),
      writing_turn_(place.rates ? &place.rates->in : nullptr, [this] { go_on(write_some()); }) {
    set_no_delay(poll_.fd());
    set_urgent_in_line(poll_.fd());
}

FtpPump::~FtpPump() {
    if (stream_ != StreamId{}) controls_.pumps_.erase({&driver_, stream_});
    if (!over_) abort_connection(poll_.fd());
}

void FtpPump::set_end(FtpDoors::Options doors, const MakeEnd& make, FtpDataCame on_came) {
    doors.on_came = [this, on_came = std::move(on_came)](std::uint16_t far_port, Accepted who) {
        on_came(stream_, far_port, std::move(who));
    };
    doors_ = std::make_unique<FtpDoors>(loop_, std::move(doors));
    end_ = make([this](std::uint16_t far_port) { return doors_->open(far_port); });
}

void FtpPump::start(StreamId stream) {
    stream_ = stream;
    controls_.pumps_[{&driver_, stream_}] = this;
    watch();
}

void FtpPump::ready(PollEvents events) {
    Outcome outcome = Outcome::Fine;
    if (events.writable) outcome = write_some();
    const bool reads = reading_ && has_room_ && !reading_turn_.waits();
    if (outcome == Outcome::Fine && events.readable && reads) outcome = read_some();
    if (outcome == Outcome::Fine && events.broken) {
        if (socket_is_dead(poll_.fd())) outcome = Outcome::Broken;
        heeds_breakage_ = false;  // A good end or urgent data: we would be told for ever.
    }
    go_on(outcome);
}

// Nothing may follow it, since it can destroy this.
void FtpPump::go_on(Outcome outcome) {
    if (over_) return;
    if (outcome == Outcome::Broken) return driver_.reset(stream_, ResetReason::PeerReset);
    watch();
    driver_.settle();
}

FtpPump::Outcome FtpPump::read_some() {
    if (over_ || !reading_) return Outcome::Fine;
    const auto space = driver_.session().write_space(stream_);
    has_room_ = !space[0].empty();
    const std::size_t most = has_room_ ? std::min(space[0].size(), reading_turn_.ask()) : 0;
    if (most == 0) return Outcome::Fine;
    const ssize_t size = read(poll_.fd(), space[0].data(), std::min(most, bytes_at_once));
    if (size < 0 && !is_temporary(errno)) return Outcome::Broken;
    const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
    end_->saw(space[0].first(count));
    tell_if_secured();
    driver_.session().wrote(stream_, count);
    driver_.count_out(count);
    reading_turn_.used(count);
    if (size == 0) {
        reading_ = false;
        driver_.session().finish(stream_);
    }
    return Outcome::Fine;
}

// What the socket has not taken yet stays in the stream, whose peer waits for it.
FtpPump::Outcome FtpPump::write_some() {
    if (over_) return Outcome::Fine;
    for (;;) {
        if (send_pending() == Outcome::Broken) return Outcome::Broken;
        if (!pending_.empty()) return Outcome::Fine;
        const Bytes held = driver_.session().read_data(stream_)[0];
        const std::size_t most = held.empty() ? 0 : writing_turn_.ask();
        const Bytes piece = held.first(std::min({held.size(), most, bytes_at_once}));
        if (piece.empty()) return Outcome::Fine;
        pending_taken_ = piece.size();
        pending_ = end_->pass(piece);
        tell_if_secured();
    }
}

FtpPump::Outcome FtpPump::send_pending() {
    while (!pending_.empty()) {
        const ssize_t size = send(poll_.fd(), pending_.data(), pending_.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return errno == EAGAIN ? Outcome::Fine : Outcome::Broken;
        pending_.erase(0, static_cast<std::size_t>(size));
    }
    const std::size_t taken = std::exchange(pending_taken_, 0);
    if (taken == 0) return Outcome::Fine;
    driver_.count_in(taken);
    writing_turn_.used(taken);
    driver_.session().consumed(stream_, taken, now());
    return Outcome::Fine;
}

void FtpPump::tell_if_secured() {
    if (!on_secured_ || !end_->is_opaque()) return;
    guest_ = doors_->open_range();
    std::exchange(on_secured_, {})();
}

void FtpPump::watch() {
    const bool reads = reading_ && has_room_ && !reading_turn_.waits();
    const bool writes = !pending_.empty();
    poll_.set_interest({.readable = reads,
                        .writable = writes,
                        .broken = !reads && !writes && heeds_breakage_ && (reading_ || writing_)});
}

void FtpPump::readable() {
    if (write_some() == Outcome::Broken) return driver_.reset(stream_, ResetReason::PeerReset);
    watch();
}

void FtpPump::writable() {
    has_room_ = true;
    watch();
}

void FtpPump::finished() {
    writing_ = false;
    pending_ = end_->take_rest();
    (void)send_pending();  // A part of a line is worth one try.
    pending_.clear();
    (void)shutdown(poll_.fd(), SHUT_WR);
    watch();
}

void FtpPump::closed() {
    over_ = true;
    (void)shutdown(poll_.fd(), SHUT_RDWR);
}

void FtpPump::reset(ResetReason) {
    over_ = true;
    abort_connection(poll_.fd());
    poll_.set_interest({});
}

}  // namespace relay
