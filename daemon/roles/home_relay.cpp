#include "daemon/roles/home_relay.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/ssh_public_key.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

// Of the lines about them.
constexpr double refusals_at_once = 10;
constexpr double refusals_per_second = 0.1;

}  // namespace

HomeRelay::HomeRelay(const House& house, std::string name, const HomeRelaySettings& settings)
    : house_(house),
      context_(house.context),
      name_(std::move(name)),
      settings_(settings),
      uplinks_(context_, settings,
               {.kind = PeerKind::Home,
                .resume = [this] { return driver_ ? driver_->session().id() : SessionId{}; },
                .on_connected = [this](Uplink::Connected what) { connected(std::move(what)); },
                .how_to_let_in =
                    fmt::format("relayctl home add {} '{}'", settings.name,
                                public_key_line(context_.identity.public_key(), settings.name))}),
      listeners_({.context = context_,
                  .driver = [this] { return driver_.get(); },
                  .fields = [this] { return fields(); },
                  .tell = [this](std::string kind,
                                 std::string text) { tell(std::move(kind), std::move(text)); }}),
      measurings_(context_.loop),
      refusals_(refusals_at_once, refusals_per_second, now()) {}

HomeRelay::~HomeRelay() = default;

void HomeRelay::listen() {
    (void)listeners_.set(settings_.reach);  // Said by themselves.
}

void HomeRelay::begin() {
    uplinks_.begin();
}

void HomeRelay::stop() {
    uplinks_.stop();
    former_.reset();
    driver_.reset();
    listeners_.stop();
}

void HomeRelay::leave(std::function<void()> on_left) {
    uplinks_.stop();
    settings_.forwards.clear();
    settings_.reach.clear();
    (void)listeners_.set({});
    if (!driver_ || driver_->session().over()) return on_left();
    on_left_ = std::move(on_left);
    for (const StreamId stream : driver_->session().streams()) {
        driver_->reset(stream, ResetReason::ClosedByOperator);
    }
    want_forwards();  // None, so that the relay keeps no listener for us.
    driver_->end_after_flush(EndReason::ClosedByOperator);
}

void HomeRelay::connected(Uplink::Connected what) {
    endpoint_ = what.relay;
    // Another carrier of ours may have begun it.
    if (driver_ && driver_->session().id() == what.welcome.session) {
        if (!driver_->attached()) {
            context_.log.info(fields(), "session resumed with {}", endpoint_);
            tell("session-resumed", "resumed with the relay", endpoint_);
        }
    } else {
        begin_session(what.welcome.session);
    }
    driver_->attach(std::move(what.port), what.slot);
    uplinks_.follow(*driver_);
}

void HomeRelay::begin_session(const SessionId& id) {
    if (driver_) {
        const std::size_t lost = driver_->session().streams().size();
        context_.log.warning(with_id(fields(), message_id::session_forgotten),
                             "the relay no longer knows our session: {} streams are lost", lost);
        driver_->end(EndReason::Forgotten);
        listeners_.session_over();
        former_ = std::move(driver_);
    }
    driver_ = std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this),
                                              Side::Home, id, context_.arena, options_of_session());
    context_.log.info(fields(), "session begun with {}", endpoint_);
    tell("home-online", "connected to the relay", endpoint_);
    want_forwards();
}

// Its owner is the relay's name: so a process that goes on with it knows whose it is.
SessionOptions HomeRelay::options_of_session() const {
    SessionOptions options = session_options(context_, settings_);
    options.owner = name_;
    return options;
}

void HomeRelay::carrier_ready(SessionDriver& driver) {
    if (&driver != driver_.get() || on_left_) return;
    uplinks_.follow(driver);
    listeners_.relay_came();
    const std::string text = fmt::format("connected to {}{}", endpoint_, carriers_text());
    context_.log.info(with_id(fields(), message_id::relay_connected), "{}", text);
    tell("carrier-added", text);
}

// Where several carriers are wanted: how many there are.
std::string HomeRelay::carriers_text() const {
    if (settings_.carriers == 1) return {};
    return fmt::format(", by {} of {} carriers", driver_->carriers().size(), settings_.carriers);
}

void HomeRelay::carrier_left(SessionDriver& driver) {
    carrier_lost(driver, "the relay has closed it");
}

void HomeRelay::carrier_lost(SessionDriver& driver, const std::string& why) {
    if (&driver != driver_.get()) return;
    if (driver.attached()) {
        context_.log.warning(with_id(fields(), message_id::carrier_lost),
                             "lost a carrier: {}; its streams go on{}, redialling", why,
                             carriers_text());
    } else {
        context_.log.warning(with_id(fields(), message_id::relay_lost),
                             "lost the connection to {}: {}; redialling at once", endpoint_, why);
    }
    tell("carrier-lost", why);
    if (!driver.attached()) {
        tell("home-away", why);
        listeners_.relay_left();
    }
    if (!on_left_) uplinks_.follow(driver);
}

void HomeRelay::session_ended(SessionDriver& driver, EndReason reason) {
    if (&driver == former_.get()) {
        former_.reset();
        return;
    }
    context_.log.warning(with_id(fields(), message_id::session_over), "session ended: {}",
                         name_of(reason));
    tell("session-ended", std::string(name_of(reason)));
    driver_.reset();
    opened_.clear();
    listeners_.session_over();
    listeners_.relay_left();
    if (on_left_) return on_left_();
    dial_again(reason);
}

void HomeRelay::dial_again(EndReason reason) {
    if (reason == EndReason::Replaced) {
        uplinks_.begin_much_later(
            "another process with the same key took the session over: stop one of the two",
            message_id::session_taken_over);
    } else if (reason == EndReason::Removed) {
        uplinks_.begin_much_later(
            "the relay has removed this home: an operator there can invite it again (relayctl "
            "invite), or add its key",
            message_id::home_removed);
    } else if (reason == EndReason::ProtocolError) {
        uplinks_.begin_later("we did not understand each other");
    } else {
        uplinks_.begin();
    }
}

std::vector<std::string> HomeRelay::problems() const {
    std::vector<std::string> problems = uplinks_.problems();
    listeners_.list_problems(problems);
    return problems;
}

LogFields HomeRelay::fields() const {
    return {.home = settings_.name, .session = session_text()};
}

std::string HomeRelay::session_text() const {
    return driver_ ? text_of_session(driver_->session().id()) : std::string();
}

void HomeRelay::tell(std::string kind, std::string text, std::string address) {
    EventSnapshot event;
    event.kind = std::move(kind);
    event.home = settings_.name;
    event.relay = name_;
    event.session = session_text();
    event.text = std::move(text);
    event.address = std::move(address);
    house_.events.publish(std::move(event));
}

}  // namespace relay
