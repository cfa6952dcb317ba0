#include "daemon/roles/relay_home.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr std::size_t former_most = 4;
constexpr double asks_at_once = 10;
constexpr double asks_per_second = 0.2;
constexpr double asked_lines_per_second = 1;
constexpr double reach_refusals_at_once = 10;
constexpr double reach_refusals_per_second = 0.1;

Prober::Options prober_options(const RelaySettings& settings) {
    return {settings.probe_interval, settings.probe_failures};
}

}  // namespace

std::string_view name_of(Origin origin) {
    switch (origin) {
        case Origin::Config: return "config";
        case Origin::Runtime: return "runtime";
        case Origin::Temporary: return "temporary";
        case Origin::Home: return "home";
    }
    return "unknown";
}

RelayHome::RelayHome(const RoleContext& context, std::string name, const House& house,
                     OnChanged on_changed)
    : context_(context),
      name_(std::move(name)),
      settings_(house.settings),
      events_(house.events),
      names_(house.names),
      guard_(house.guard),
      open_to_visitor_(house.open_to_visitor),
      on_changed_(std::move(on_changed)),
      asks_(asks_at_once, asks_per_second, now()),
      asks_later_(context.loop, [this] { heed_asked(); }),
      asked_lines_(2 * wire::forwards_asked_max, asked_lines_per_second, now()),
      prober_(context.loop, *this, context.random, prober_options(house.settings)),
      rates_(context.loop),
      reached_(context_, house.names, rates_, house.find_forward, name_),
      reach_refusals_(reach_refusals_at_once, reach_refusals_per_second, now()),
      arrivals_(arrivals_at_once, arrivals_per_second, now()) {}

RelayHome::~RelayHome() = default;

Welcome RelayHome::welcome(const HomeProof& proof) {
    Welcome welcome;
    welcome.keep = settings_.keep_streams;
    welcome.session = proof.resume;
    if (is_session(welcome.session)) {
        welcome.resumed = true;
        return welcome;
    }
    if (proof.resume == SessionId{} || proof.resume != asked_for_) {
        asked_for_ = proof.resume;
        context_.random.fill(given_);
    }
    welcome.session = given_;
    return welcome;
}

bool RelayHome::is_session(const SessionId& id) const {
    return driver_ && !driver_->session().over() && driver_->session().id() == id;
}

void RelayHome::connected(RelayHandshaker::Outcome outcome) {
    const std::string address = outcome.port->carrier().info().peer_address;
    LogFields where = fields();
    where.peer = address;
    const std::uint8_t slot = outcome.proof.slot;
    if (!outcome.welcome.resumed && !is_session(outcome.welcome.session)) {
        if (driver_ && driver_->attached()) {
            where.message_id = message_id::session_taken_over;
            context_.log.warning(where,
                                 "another process with the key of this home came from {}: "
                                 "it takes over, and the former one is told",
                                 address);
            tell({.kind = "session-taken-over",
                  .text = fmt::format("by another process, from {}", address),
                  .address = address});
        }
        begin_session(outcome.welcome.session);
        where = fields();
        where.peer = address;
        where.message_id = message_id::home_connected;
        context_.log.info(where, "home connected from {}", address);
        tell({.kind = "home-online",
              .text = fmt::format("connected from {}", address),
              .address = address});
    } else if (!is_session(outcome.welcome.session)) {
        return;  // Another carrier was faster and began anew: this one closes, its home redials.
    } else if (driver_->has_carrier(slot)) {
        where.message_id = message_id::session_taken_over;
        context_.log.info(where, "session taken over from {}", address);
        tell({.kind = "session-taken-over",
              .text = fmt::format("a new carrier from {}", address),
              .address = address});
    } else if (driver_->attached()) {
        context_.log.info(where, "one more carrier from {}", address);
        tell({.kind = "carrier-added",
              .text = fmt::format("one more carrier from {}", address),
              .address = address});
        take(std::move(outcome));
        return;
    } else {
        where.message_id = message_id::home_connected;
        context_.log.info(where, "session resumed from {}", address);
        tell({.kind = "session-resumed",
              .text = fmt::format("resumed from {}", address),
              .address = address});
    }
    since_ = now();
    take(std::move(outcome));
}

void RelayHome::take(RelayHandshaker::Outcome outcome) {
    driver_->session().set_peer_version(outcome.proof.version);
    driver_->attach(std::move(outcome.port), outcome.proof.slot);
}

void RelayHome::begin_session(const SessionId& id) {
    rates_.set(policy().rate);
    for (auto& [forward, own] : forwards_) stand_behind_its_gate(own);
    if (driver_) {
        context_.log.info(with_id(fields(), message_id::session_replaced),
                          "the home came anew: its former session with {} streams ends",
                          driver_->session().streams().size());
        retire_driver(EndReason::Replaced);
    }
    driver_ =
        std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this),
                                        Side::Relay, id, context_.arena, options_of_session());
    add_expected_forwards();
}

SessionOptions RelayHome::options_of_session() const {
    SessionOptions options = session_options(context_, settings_);
    options.streams_max = std::min(settings_.streams_per_home, wire::streams_max);
    options.owner = name_;
    return options;
}

// The driver lives on until its goodbye is said. Its streams are over already.
void RelayHome::retire_driver(EndReason reason) {
    remove_expected_forwards();
    driver_->end(reason);
    former_.push_back(std::move(driver_));
    if (former_.size() > former_most) former_.erase(former_.begin());
    home_left();
}

void RelayHome::end_session(EndReason reason) {
    if (driver_) driver_->end(reason);
}

void RelayHome::drop() {
    reached_.clear();
    driver_.reset();
    former_.clear();
    streams_.clear();
}

void RelayHome::leave(std::function<void()> on_left) {
    std::vector<ForwardId> all;
    for (const auto& [id, own] : forwards_) all.push_back(id);
    for (const ForwardId id : all) remove_forward(id, Streams::Reset);
    if (!driver_) {
        on_left();
        return;
    }
    on_left_ = std::move(on_left);
    driver_->end(EndReason::Removed);
}

void RelayHome::carrier_ready(SessionDriver& driver) {
    if (&driver != driver_.get() || there_) return;
    there_ = true;
    for (auto& [id, own] : forwards_) own.forward->home_came();
    prober_.session_came();
}

void RelayHome::carrier_lost(SessionDriver& driver, const std::string& why) {
    if (&driver != driver_.get()) return;
    LogFields where = fields();
    if (driver.attached()) {
        context_.log.info(with_id(where, message_id::carrier_lost),
                          "lost a carrier of the home: {}; its streams go on by another", why);
        tell("carrier-lost", why);
        return;
    }
    where.message_id = message_id::home_lost;
    context_.log.warning(where, "lost the home: {}; its {} streams wait for it", why,
                         driver.session().streams().size());
    tell("home-away", why);
    last_loss_ = why;
    since_ = now();
    home_left();
}

void RelayHome::carrier_left(SessionDriver& driver) {
    if (&driver != driver_.get()) return;
    const std::string text = "the home has closed a carrier; its streams go on by another";
    context_.log.info(fields(), "{}", text);
    tell("carrier-left", text);
}

void RelayHome::home_left() {
    if (!there_) return;
    there_ = false;
    for (auto& [id, own] : forwards_) own.forward->home_left();
    prober_.session_left();
}

void RelayHome::session_ended(SessionDriver& driver, EndReason reason) {
    if (&driver != driver_.get()) {
        std::erase_if(former_, [&](const auto& former) { return former.get() == &driver; });
        return;
    }
    LogFields where = fields();
    if (reason == EndReason::Expired) where.message_id = message_id::session_expired;
    context_.log.info(where, "session ended: {}", name_of(reason));
    tell("session-ended", std::string(name_of(reason)));
    if (there_) last_loss_ = name_of(reason);
    driver_.reset();
    streams_.clear();
    remove_expected_forwards();
    reached_.clear();
    for (auto& [id, own] : forwards_) own.forward->counters().streams = 0;
    home_left();
    if (on_left_) on_left_();
}

SessionDriver* RelayHome::session_for_probe() {
    return driver_ && driver_->ready() ? driver_.get() : nullptr;
}

void RelayHome::probed(ForwardId id, const ProbeResult& result) {
    const auto found = forwards_.find(id);
    if (found == forwards_.end()) return;
    auto& last = last_verdicts_[id];
    if (last == result.verdict) return;
    const bool is_first = !last.has_value();
    last = result.verdict;
    const std::string text =
        fmt::format("{} answers the probe: {}{}{}", found->second.forward->target_text(),
                    verdict_name(result.verdict), result.detail.empty() ? "" : ", ", result.detail);
    LogFields where = fields(id);
    if (result.verdict == Verdict::Ok || result.verdict == Verdict::NoHome) {
        if (result.verdict == Verdict::Ok) where.message_id = message_id::probe_recovered;
        if (!is_first || result.verdict == Verdict::Ok) context_.log.info(where, "{}", text);
    } else {
        where.message_id = message_id::probe_failed;
        context_.log.warning(where, "{}", text);
    }
    tell({.kind = result.verdict == Verdict::Ok ? "probe-recovered" : "probe-failed",
          .text = text,
          .verdict = std::string(verdict_name(result.verdict))},
         id);
}

void RelayHome::carriers_need_renewal(ForwardId id, unsigned failures) {
    context_.log.warning(with_id(fields(id), message_id::carriers_renewed),
                         "{} probes failed in a row: renewing the carriers", failures);
    tell("carrier-lost", fmt::format("{} probes failed in a row", failures), id);
    if (!driver_) return;
    last_loss_ = "its carriers are renewed, since probes failed";
    driver_->drop_carriers();
    home_left();
    since_ = now();
}

void RelayHome::settings_changed() {
    prober_.set(prober_options(settings_));
    rates_.set(policy().rate);
}

std::string RelayHome::session_text() const {
    return driver_ ? text_of_session(driver_->session().id()) : std::string();
}

LogFields RelayHome::fields(ForwardId forward) const {
    LogFields fields{.home = name_, .session = session_text()};
    const auto found = forwards_.find(forward);
    if (found != forwards_.end()) fields.forward = found->second.forward->listen_text();
    return fields;
}

void RelayHome::tell(std::string kind, std::string text, ForwardId forward) {
    tell({.kind = std::move(kind), .text = std::move(text)}, forward);
}

void RelayHome::tell(EventSnapshot event, ForwardId forward) {
    event.home = name_;
    event.session = session_text();
    const auto found = forwards_.find(forward);
    if (found != forwards_.end()) event.forward = found->second.forward->listen_text();
    events_.publish(std::move(event));
}

}  // namespace relay
