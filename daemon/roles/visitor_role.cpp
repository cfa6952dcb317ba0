#include "daemon/roles/visitor_role.h"

#include <fmt/format.h>

#include "common/crypto/ssh_public_key.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr std::size_t hints_most = 4;  // Of what may be reached, in a line for an operator.

}  // namespace

VisitorRole::VisitorRole(const RoleContext& context, const VisitSettings& settings)
    : context_(context),
      settings_(settings),
      uplinks_(context, settings,
               {.kind = PeerKind::Visitor,
                .resume = [this] { return driver_ ? driver_->session().id() : SessionId{}; },
                .on_connected = [this](Uplink::Connected what) { connected(std::move(what)); },
                .how_to_let_in = how_to_let_in(),
                .on_refused = [this](const std::string& why) { refused(why); }}),
      sweep_(context.loop, [this] { socks_done_.clear(); }),
      stdio_patience_(context.loop, [this] { refused("no connection to the relay"); }),
      started_(now()) {}

VisitorRole::~VisitorRole() = default;

std::string VisitorRole::how_to_let_in() const {
    std::string command =
        fmt::format("relayctl visitor add {} '{}'", settings_.name,
                    public_key_line(context_.identity.public_key(), settings_.name));
    std::size_t hints = 0;
    for (const ForwardSettings& forward : settings_.forwards) {
        if (++hints <= hints_most) command += " --may-reach " + to_text(forward.target);
    }
    if (settings_.stdio) command += " --may-reach " + to_text(*settings_.stdio);
    return hints == 0 && !settings_.stdio ? command + " --may-reach HOME:PORT" : command;
}

Status VisitorRole::start() {
    for (const ForwardSettings& forward : settings_.forwards) (void)add_forward(forward);
    if (settings_.dynamic) {
        ForwardSettings forward;
        forward.listen = *settings_.dynamic;
        forward.target = {"socks5", 0};
        dynamic_ = add_forward(forward);
    }
    if (settings_.stdio) {
        const Status opened = open_stdio();
        if (!opened) return opened;
    }
    go_on();
    uplinks_.begin();
    return Done{};
}

void VisitorRole::stop() {
    uplinks_.stop();
    former_.reset();
    socks_.clear();
    driver_.reset();
    forwards_.clear();
}

void VisitorRole::wind_down(std::function<void()> done) {
    uplinks_.stop();
    // The goodbye that is on its way may have to go through requests, which end with this process.
    const bool is_leaving = std::exchange(on_wound_down_, nullptr) != nullptr;
    if (!is_leaving && (!driver_ || !driver_->attached() || driver_->session().over())) {
        return done();
    }
    on_wound_down_ = std::move(done);
    if (is_leaving) return;
    driver_->end_after_flush(EndReason::ShuttingDown);
}

void VisitorRole::connected(Uplink::Connected what) {
    relay_ = what.relay;
    relay_version_ = what.welcome.version;
    trust_.set_relay(what.relay_key);
    // Another carrier of ours may have begun it.
    if (!driver_ || driver_->session().id() != what.welcome.session) {
        begin_session(what.welcome.session);
    } else if (!driver_->attached()) {
        context_.log.info(fields(), "session resumed with {}", relay_);
    }
    driver_->attach(std::move(what.port), what.slot);
    uplinks_.follow(*driver_);
}

void VisitorRole::begin_session(const SessionId& id) {
    if (driver_) {
        const std::size_t lost = driver_->session().streams().size();
        if (lost > 0) {
            context_.log.warning(with_id(fields(), message_id::session_forgotten),
                                 "the relay no longer knows our session: {} streams are lost",
                                 lost);
        }
        driver_->end(EndReason::Forgotten);
        former_ = std::move(driver_);
        streams_.clear();
    }
    found_ftp_.clear();
    driver_ =
        std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this), Side::Home,
                                        id, context_.arena, session_options(context_, settings_));
    context_.log.info(fields(), "session begun with {}", relay_);
}

void VisitorRole::carrier_ready(SessionDriver& driver) {
    if (&driver != driver_.get()) return;
    uplinks_.follow(driver);
    tell("carrier-added", "connected to " + relay_);
    if (there_) return;
    there_ = true;
    context_.log.info(fields(), "connected to {}", relay_);
    for (auto& [id, forward] : forwards_) forward->home_came();
    stdio_ready();
}

void VisitorRole::carrier_left(SessionDriver& driver) {
    carrier_lost(driver, "the relay has closed it");
}

void VisitorRole::carrier_lost(SessionDriver& driver, const std::string& why) {
    if (&driver != driver_.get()) return;
    if (on_wound_down_ && !driver.attached()) return std::exchange(on_wound_down_, nullptr)();
    if (driver.attached()) {
        context_.log.warning(with_id(fields(), message_id::carrier_lost),
                             "lost a carrier: {}; its streams go on, redialling", why);
    } else {
        context_.log.warning(with_id(fields(), message_id::relay_lost),
                             "lost the connection to {}: {}; redialling at once", relay_, why);
        left();
    }
    tell("carrier-lost", why);
    uplinks_.follow(driver);
}

void VisitorRole::left() {
    if (!there_) return;
    there_ = false;
    for (auto& [id, forward] : forwards_) forward->home_left();
}

void VisitorRole::session_ended(SessionDriver& driver, EndReason reason) {
    if (&driver == former_.get()) {
        former_.reset();
        return;
    }
    driver_.reset();
    streams_.clear();
    for (auto& [id, forward] : forwards_) forward->counters().streams = 0;
    left();
    if (on_wound_down_) return std::exchange(on_wound_down_, nullptr)();
    context_.log.warning(with_id(fields(), message_id::session_over), "session ended: {}",
                         name_of(reason));
    tell("session-ended", std::string(name_of(reason)));
    if (reason == EndReason::Removed) {
        refused("the relay has removed this visitor");
        uplinks_.begin_much_later(
            "the relay has removed this visitor: an operator there can add its key again",
            message_id::home_removed);
    } else if (reason == EndReason::ProtocolError) {
        uplinks_.begin_later("we did not understand each other");
    } else {
        uplinks_.begin();
    }
}

std::string VisitorRole::status_line() const {
    if (!driver_ || !driver_->attached()) return "not connected to a relay";
    return fmt::format("connected to {}, {} streams", relay_, driver_->session().streams().size());
}

LogFields VisitorRole::fields() const {
    return {.session = session_text()};
}

std::string VisitorRole::session_text() const {
    return driver_ ? text_of_session(driver_->session().id()) : std::string();
}

void VisitorRole::tell(std::string kind, std::string text) {
    EventSnapshot event;
    event.kind = std::move(kind);
    event.visitor = settings_.name;
    event.session = session_text();
    event.text = std::move(text);
    events_.publish(std::move(event));
}

}  // namespace relay
