#include "daemon/forwards/ftp_pump.h"

#include <sys/socket.h>

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
                                                    std::uint16_t port, StreamId data) {
    const auto found = pumps_.find({&driver, control});
    if (found == pumps_.end()) return std::nullopt;
    FtpPump& pump = *found->second;
    if (!pump.end_->take_announced(port, data.value)) return std::nullopt;
    pump.end_->commit();
    return HostPort{to_text(pump.doors_->from()), port};
}

std::string FtpControls::name_of_sealed(const SessionDriver& driver, StreamId control) const {
    const auto found = pumps_.find({&driver, control});
    if (found == pumps_.end() || !found->second->sealed_) return {};
    return found->second->sealed_->name();
}

FtpPump::FtpPump(const StreamPlace& place, UniqueFd socket, FtpControls& controls)
    : loop_(place.loop),
      driver_(place.driver),
      parking_(place.parking),
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
    parking_.unpark(poll_.fd());
}

void FtpPump::start(StreamId stream, FtpRecord& record, Options options) {
    stream_ = stream;
    owed_ = record.owed_out();
    if (SealRecord* seal = driver_.session().seal(stream)) {
        sealed_ = std::make_unique<FtpSeal>(driver_, stream, *seal, options.seal_side);
    }
    controls_.pumps_[{&driver_, stream_}] = this;
    options.doors.on_came = [this, on_came = std::move(options.on_came)](std::uint16_t far_port,
                                                                         Accepted who) {
        on_came(stream_, far_port, std::move(who));
    };
    options.doors.on_closed = [this](std::uint16_t far_port) {
        end_->door_closed(far_port);
        if (!is_planning_) end_->commit();
    };
    doors_ = std::make_unique<FtpDoors>(loop_, parking_, std::move(options.doors));
    end_ =
        options.make_end(record, [this](std::uint16_t far_port) { return doors_->open(far_port); });
    for (const auto& door : FtpFew<FtpDoorPorts>{end_->doors()}) {
        if (!doors_->open_again(door.far_port, door.port)) end_->door_closed(door.far_port);
    }
    if (end_->is_opaque()) {
        guest_ = doors_->open_range();
    } else {
        on_secured_ = std::move(options.on_secured);
    }
    watch();
}

void FtpPump::ready(PollEvents events) {
    Outcome outcome = Outcome::Fine;
    if (events.writable) {
        write_blocked_ = false;
        outcome = write_some();
    }
    const bool reads = reading_ && has_room_ && !reading_turn_.waits();
    if (outcome == Outcome::Fine && events.readable && reads) outcome = read_some();
    // A part of a line need not wait for the rest any more.
    if (outcome == Outcome::Fine && end_->is_opaque()) outcome = write_some();
    if (outcome == Outcome::Fine && events.broken) {
        if (socket_is_dead(poll_.fd())) outcome = Outcome::Broken;
        heeds_breakage_ = false;  // A good end or urgent data: we would be told for ever.
    }
    go_on(outcome);
}

// Nothing may follow it, since it can destroy this.
void FtpPump::go_on(Outcome outcome) {
    if (over_) return;
    if (outcome != Outcome::Fine) return fail(outcome);
    watch();
    driver_.settle();
}

void FtpPump::fail(Outcome outcome) {
    driver_.reset(stream_,
                  outcome == Outcome::Changed ? ResetReason::Unauthentic : ResetReason::PeerReset);
}

MutableBytes FtpPump::room() {
    return sealed_ ? sealed_->room() : driver_.session().write_space(stream_)[0];
}

// What the peer has said and the socket has not been given, as far as it can be read.
FtpPump::Held FtpPump::held() const {
    return sealed_ ? Held{sealed_->held(), Bytes{}} : driver_.session().read_data(stream_);
}

bool FtpPump::is_all() const {
    if (sealed_) return sealed_->has_ended();
    const auto info = driver_.session().info(stream_);
    return info && info->received_all;
}

void FtpPump::done_with(std::size_t count) {
    if (sealed_) return sealed_->drop(count);
    driver_.session().consumed(stream_, count, now());
}

FtpPump::Outcome FtpPump::read_some() {
    if (over_ || !reading_) return Outcome::Fine;
    if (!take_off(std::exchange(owed_, 0))) return Outcome::Broken;
    const MutableBytes space = room();
    has_room_ = !space.empty();
    const std::size_t most = has_room_ ? std::min(space.size(), reading_turn_.ask()) : 0;
    if (most == 0) return Outcome::Fine;
    const ssize_t size = recv(poll_.fd(), space.data(), std::min(most, bytes_at_once), MSG_PEEK);
    if (size < 0 && !is_temporary(errno)) return Outcome::Broken;
    const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
    if (!put(space.first(count))) return Outcome::Broken;
    driver_.count_out(count);
    reading_turn_.used(count);
    if (size == 0) {
        reading_ = false;
        if (sealed_) sealed_->put_end();
        driver_.session().finish(stream_);
    }
    return Outcome::Fine;
}

// What was looked at, in the stream's room: it is dropped once the stream has it, and the state
// that it leads to holds.
bool FtpPump::put(MutableBytes said) {
    if (!said.empty()) {
        end_->saw(said);
        end_->commit();
    }
    if (sealed_) {
        sealed_->put(said.size());
    } else {
        driver_.session().wrote(stream_, said.size());
    }
    if (!take_off(said.size())) return false;
    tell_if_secured();
    return true;
}

bool FtpPump::take_off(std::uint64_t count) {
    std::array<std::uint8_t, bytes_at_once> dropped;  // Without a copy.
    while (count > 0) {
        const std::size_t most = std::min<std::uint64_t>(count, dropped.size());
        const ssize_t size = recv(poll_.fd(), dropped.data(), most, MSG_TRUNC);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        count -= static_cast<std::uint64_t>(size);
    }
    return true;
}

// What the socket has not taken yet stays in the stream, whose peer waits for it.
FtpPump::Outcome FtpPump::write_some() {
    while (!over_ && !write_blocked_) {
        if (sealed_ && !sealed_->open()) return Outcome::Changed;
        if (!has_planned()) break;
        const Bytes next = end_->next(held());
        const std::size_t most = next.empty() ? 0 : writing_turn_.ask();
        if (most == 0) return Outcome::Fine;
        const Bytes piece = next.first(std::min(next.size(), most));
        const ssize_t size = send(poll_.fd(), piece.data(), piece.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno != EAGAIN) return Outcome::Broken;
        const std::size_t count = size > 0 ? static_cast<std::size_t>(size) : 0;
        write_blocked_ = count < piece.size();
        driver_.count_in(count);
        writing_turn_.used(count);
        done_with(end_->given(count));
    }
    end_if_written();
    return Outcome::Fine;
}

// Of what is to be written next; it is written down before it is.
bool FtpPump::has_planned() {
    if (!end_->is_passed()) return true;
    is_planning_ = true;
    const bool has_next = end_->plan(held(), is_all());
    is_planning_ = false;
    if (has_next) end_->commit();
    tell_if_secured();
    return has_next;
}

void FtpPump::tell_if_secured() {
    if (!on_secured_ || !end_->is_opaque()) return;
    guest_ = doors_->open_range();
    std::exchange(on_secured_, {})();
}

void FtpPump::watch() {
    const bool reads = reading_ && has_room_ && !reading_turn_.waits();
    const bool idle = !reads && !write_blocked_;
    poll_.set_interest({.readable = reads,
                        .writable = write_blocked_,
                        .broken = idle && heeds_breakage_ && (reading_ || writing_)});
}

void FtpPump::readable() {
    if (const Outcome outcome = write_some(); outcome != Outcome::Fine) return fail(outcome);
    watch();
}

void FtpPump::writable() {
    has_room_ = true;
    watch();
}

void FtpPump::finished() {
    // Somebody in between says that it is over, and its author does not.
    if (sealed_ && !sealed_->has_ended()) return fail(Outcome::Changed);
    has_finished_ = true;
    end_if_written();
    watch();
}

// What was sealed is off the stream before the socket has it.
void FtpPump::end_if_written() {
    if (!has_finished_ || !writing_ || (sealed_ && !sealed_->held().empty())) return;
    writing_ = false;
    (void)shutdown(poll_.fd(), SHUT_WR);
}

// Not left to the close: a parked copy would keep the connection open.
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
