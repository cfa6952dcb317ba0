#include "daemon/forwards/forward.h"

#include "daemon/forwards/kept_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr auto retry_delay = std::chrono::seconds{3};

}  // namespace

Forward::Forward(Loop& loop, ForwardId id, const ForwardSettings& settings, ForwardUser& user,
                 Parking& parking)
    : loop_(loop),
      id_(id),
      settings_(settings),
      listen_text_(to_text(settings.listen)),
      target_text_(to_text(settings.target)),
      user_(user),
      parking_(parking),
      policy_(settings.grace, now()),
      patience_(loop, [this] { patience_ended(); }),
      retry_(loop, [this] { (void)listen(); }) {  // What failed is told by listening_changed().
    arm_patience();
}

Forward::~Forward() {
    for (Accepted& visitor : held_) end_parked(parking_, std::move(visitor.fd));
}

Status Forward::listen() {
    if (listener_) return Done{};
    auto listener = TcpListener::open(
        loop_, settings_.listen.host, settings_.listen.port,
        [this](Accepted visitor) { visitor_came(std::move(visitor)); }, &parking_);
    const std::string former = error_;
    if (listener) {
        listener_ = std::move(*listener);
        listener_->set_on_shortage(
            [this](const std::string& why) { user_.visitors_wait_outside(id_, why); });
        error_.clear();
        user_.listening_changed(id_);
        return Done{};
    }
    error_ = listener.error().text;
    retry_.arm(retry_delay);
    if (error_ != former) user_.listening_changed(id_);
    return listener.error();
}

void Forward::visitor_came(Accepted visitor) {
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
