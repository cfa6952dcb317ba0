#include "daemon/carriers/door.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::uint8_t tls_handshake_record = 22;  // RFC 8446 5.1
constexpr Duration pace_step = std::chrono::milliseconds(2);

// Three quarters of the descriptors are for carriers, visitors and targets.
std::size_t waiting_most() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return max_waiting_connections;
    return std::min<std::size_t>(max_waiting_connections, limit.rlim_cur / 4);
}

}  // namespace

Door::Door(Loop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      turnstile_({max_unfinished_handshakes, waiting_most()}),
      begun_(handshakes_at_once, handshakes_per_second, now()),
      admission_(loop, [this] { admit_one(); }),
      pace_(loop, [this] { admission_.schedule(); }),
      lateness_(loop, [this] { send_away_the_late(); }),
      self_(std::make_shared<Door*>(this)) {}

Door::~Door() {
    *self_ = nullptr;
}

void Door::arrived(CarrierKind kind, const std::string& path, Accepted connection) {
    const bool is_scarce = is_among_the_last_descriptors(connection.fd.get());
    const GuestId id = turnstile_.arrived(source_of(connection.peer_address));
    auto poll = std::make_unique<Poll>(loop_, std::move(connection.fd),
                                       [this, id](PollEvents) { ready(id); });
    poll->set_interest({.readable = true});
    Guest guest{kind, path, {}, now(), nullptr, std::move(poll)};
    if (is_proxy(connection.peer_address, trusted_proxies_)) {
        const bool is_http = kind == CarrierKind::Ws;
        guest.introduction =
            std::make_unique<Introduction>(connection.peer_address, trusted_proxies_, is_http);
        guest.whence.is_through_proxy = true;
    }
    guest.whence.hop = connection.peer_address;
    guest.whence.address = std::move(connection.peer_address);
    guests_.emplace(id, std::move(guest));
    if (!lateness_.is_armed()) lateness_.arm(options_.deadline);
    // Where strangers or visitors have taken all descriptors, a home must still find one.
    if (turnstile_.is_crowded() || (is_scarce && outside() > 1)) {
        send_away(*turnstile_.least_welcome(), "too many wait");
    }
}

// The first bytes are looked at, and left for whoever reads them.
void Door::ready(GuestId id) {
    Guest& guest = guests_.at(id);
    if (guest.introduction && !is_introduced(id, guest)) return;
    std::uint8_t first = 0;
    const auto size = recv(guest.poll->fd(), &first, 1, MSG_PEEK);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return forget(id);
    if (guest.kind != CarrierKind::Ws && first != tls_handshake_record) {
        return send_away(id, "what it said was not TLS");
    }
    guest.poll->set_interest({});
    turnstile_.spoke(id);
    if (!pace_.is_armed()) admission_.schedule();
}

// What a proxy says goes before all else, and its client gets its own place among the others.
bool Door::is_introduced(GuestId id, Guest& guest) {
    Introduction& introduction = *guest.introduction;
    switch (introduction.heed(guest.poll->fd())) {
        case Introduction::Progress::Waiting: return false;
        case Introduction::Progress::Gone: forget(id); return false;
        case Introduction::Progress::Refused: send_away(id, introduction.why()); return false;
        case Introduction::Progress::Over: break;
    }
    guest.whence.hop = introduction.hop();
    guest.whence.address = introduction.address();
    guest.introduction.reset();
    turnstile_.is_of(id, source_of(guest.whence.address));
    return true;
}

void Door::send_away(GuestId id, const char* why) {
    const std::string address = guests_.at(id).whence.address;
    forget(id);
    options_.on_turned_away(address, why);
}

void Door::forget(GuestId id) {
    turnstile_.gone(id);
    guests_.erase(id);
}

void Door::admit_one() {
    if (!turnstile_.anyone_may_enter()) return;
    if (!begun_.take(now())) {
        pace_.arm(pace_step);
        return;
    }
    const auto id = turnstile_.next();
    if (!id) return;
    auto node = guests_.extract(*id);
    Guest& guest = node.mapped();
    UniqueFd fd = guest.poll->take_fd();
    admission_.schedule();  // The next one in the next turn.
    auto admission = admission_of(guest.whence.address, guest.arrived);
    options_.on_admitted(
        {guest.kind, std::move(guest.path), std::move(fd), std::move(guest.whence)},
        std::move(admission));
}

Admission Door::admission_of(const std::string& address, TimePoint since) {
    std::shared_ptr<void> place{nullptr, [self = self_, source = source_of(address)](void*) {
                                    if (*self != nullptr) (*self)->someone_left(source);
                                }};
    return Admission{std::move(place), since + options_.deadline};
}

std::optional<Admission> Door::enter(const std::string& address) {
    const TimePoint time = now();
    if (!begun_.take(time) || !turnstile_.enter_at_once(source_of(address))) return std::nullopt;
    return admission_of(address, time);
}

void Door::someone_left(const IpAddress& source) {
    turnstile_.left(source);
    if (!pace_.is_armed()) admission_.schedule();
}

void Door::send_away_the_late() {
    const TimePoint latest = now() - options_.deadline;
    while (!guests_.empty() && guests_.begin()->second.arrived <= latest) {
        send_away(guests_.begin()->first, "it said nothing, or waited too long");
    }
    if (!guests_.empty()) lateness_.arm_at(guests_.begin()->second.arrived + options_.deadline);
}

}  // namespace relay
