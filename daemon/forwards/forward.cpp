#include "daemon/forwards/forward.h"

#include "daemon/forwards/kept_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

// Whoever frees a port waits for it.
constexpr auto retry_delay = std::chrono::seconds{1};

bool listens_on_loopback(const ForwardSettings& settings) {
    const auto address = parse_ip_address(settings.listen.host);
    if (is_unix(settings.listen.host)) return true;  // Of this machine, at least.
    return settings.listen.host == "localhost" || (address && address->is_loopback());
}

}  // namespace

Forward::Forward(Loop& loop, ForwardId id, const ForwardSettings& settings, ForwardUser& user,
                 Parking& parking, VisitorGuard* guard)
    : loop_(loop),
      id_(id),
      settings_(settings),
      listen_text_(to_text(settings.listen)),
      target_text_(to_text(settings.target)),
      user_(user),
      parking_(parking),
      guard_(guard),
      is_guarded_(guard != nullptr && settings.guard.value_or(!listens_on_loopback(settings))),
      policy_(settings.grace, now()),
      patience_(loop, [this] { patience_ended(); }),
      retry_(loop, [this] { (void)listen(); }) {  // What failed is told by listening_changed().
    arm_patience();
}

Forward::~Forward() {
    for (Accepted& visitor : held_) end_parked(parking_, std::move(visitor.fd));
}

Result<std::unique_ptr<TcpListener>> Forward::open_listener() {
    const auto on_accept = [this](Accepted visitor) { visitor_came(std::move(visitor)); };
    const HostPort& at = settings_.listen;
    if (!is_unix(at.host)) {
        return TcpListener::open(loop_, at.host, at.port, on_accept, &parking_);
    }
    return TcpListener::open_file(loop_,
                                  {unix_path(at.host), settings_.file.mode, settings_.file.group},
                                  on_accept, &parking_);
}

void Forward::stand_behind(Gates& gates, const std::string& gate) {
    if (gate == gate_) return;
    gate_ = gate;
    goes_on_ = false;
    hold_.reset();
    if (gate.empty()) {
        if (!listener_) retry_.arm(Duration{});
        return;
    }
    hold_ = gates.hold(gate, settings_.listen, [this] { gate_changed(); });
    if (listener_) gate_changed();
}

void Forward::gate_changed() {
    if (may_listen() || !listener_) {
        (void)listen();  // Told by listening_changed().
        return;
    }
    listener_.reset();
    (void)listen();
}

// What a former process has left was behind its gate; nobody who waits there is lost.
bool Forward::may_listen() const {
    if (!hold_ || hold_->is_in_force()) return true;
    if (hold_->is_refused()) return false;
    return goes_on_ || (!listener_ && was_left(settings_.listen, parking_));
}

Error Forward::not_closed() const {
    return {ErrorCode::Refused, "its gate " + gate_ + " is not closed" +
                                    (hold_->fault().empty() ? " yet" : ": " + hold_->fault())};
}

Status Forward::listen() {
    if (listener_) return Done{};
    auto listener = may_listen() ? open_listener() : not_closed();
    const std::string former = error_;
    if (listener) {
        goes_on_ = hold_ && !hold_->is_in_force();
        listener_ = std::move(*listener);
        listener_->set_on_shortage(
            [this](const std::string& why) { user_.visitors_wait_outside(id_, why); });
        error_.clear();
        user_.listening_changed(id_);
        return Done{};
    }
    error_ = listener.error().text;
    // It tells when it is closed; and that takes a moment.
    if (hold_ && !hold_->is_in_force() && hold_->fault().empty()) return listener.error();
    retry_.arm(retry_delay);
    if (error_ != former) user_.listening_changed(id_);
    return listener.error();
}

// Whoever comes from this machine itself is none that the guard counts: among them are visitors
// with a key, who come by a connection of our own.
std::optional<IpAddress> Forward::guarded_source(const Accepted& visitor) const {
    if (!is_guarded_) return std::nullopt;
    const auto from = address_in(visitor.peer_address);
    const auto here = address_in(local_address_text(visitor.fd.get()));
    return from == here ? std::nullopt : from;
}

bool Forward::is_refused(const Accepted& visitor) {
    const auto from = guarded_source(visitor);
    if (!from) return false;
    const VisitorGuard::Answer answer = guard_->came(*from, now());
    if (answer == VisitorGuard::Answer::RefuseFromNow) {
        user_.source_refused(id_, visitor.peer_address);
    }
    return answer != VisitorGuard::Answer::Admit;
}

void Forward::visitor_came(Accepted visitor) {
    if (is_refused(visitor)) return turn_away(std::move(visitor), "its address is refused");
    if (is_among_the_last_descriptors(visitor.fd.get())) {
        return turn_away(std::move(visitor), "too many files are open");
    }
    const HoldPolicy::Answer answer = policy_.visitor_came(held_.size(), now());
    if (answer != HoldPolicy::Answer::TurnAway) parking_.park(visitor.fd.get());
    switch (answer) {
        case HoldPolicy::Answer::Admit: return user_.visitor_came(id_, std::move(visitor));
        case HoldPolicy::Answer::Hold: held_.push_back(std::move(visitor)); return;
        case HoldPolicy::Answer::TurnAway: return turn_away(std::move(visitor), "no home");
    }
}

void Forward::turn_away(Accepted visitor, const char* why) {
    ++counters_.refused;
    end_parked(parking_, std::move(visitor.fd));
    user_.visitor_turned_away(id_, visitor.peer_address, why);
}

void Forward::home_came() {
    policy_.home_came();
    patience_.disarm();
    while (!held_.empty()) {
        Accepted visitor = std::move(held_.front());
        held_.pop_front();
        user_.visitor_came(id_, std::move(visitor));
    }
}

void Forward::home_left() {
    policy_.home_left(now());
    arm_patience();
}

void Forward::arm_patience() {
    if (const auto when = policy_.patience_ends()) patience_.arm_at(*when);
}

void Forward::patience_ended() {
    while (!held_.empty()) {
        Accepted visitor = std::move(held_.front());
        held_.pop_front();
        turn_away(std::move(visitor), "no home");
    }
    user_.grace_is_over(id_);
}

}  // namespace relay
