#include "daemon/roles/home_role.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/stream_pump.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"

namespace relay {

// A stream whose target is being dialled. What the visitor says meanwhile waits in its ring.
class HomeRole::Dialling final : public StreamEnd {
public:
    Dialling(HomeRole& role, StreamId stream, const Destination& to)
        : dialer_(
              role.context_.loop, HostPort{to.host, to.port}, role.settings_.connect_timeout,
              [&role, to](const std::string& address) {
                  return role.may_dial_name(to) || role.may_dial_address(address, to.port);
              },
              [&role, stream](auto result) { role.target_dialled(stream, std::move(result)); }) {}

    void readable() override {}
    void writable() override {}
    void finished() override {}
    void closed() override {}
    void reset(ResetReason) override {}

private:
    TargetDialer dialer_;
};

namespace {

// Of the lines about them.
constexpr double refusals_at_once = 10;
constexpr double refusals_per_second = 0.1;

}  // namespace

HomeRole::HomeRole(const RoleContext& context, const HomeSettings& settings)
    : context_(context),
      settings_(settings),
      allow_file_(context.state_dir + "/allow"),
      uplinks_(
          context, settings, [this] { return driver_ ? driver_->session().id() : SessionId{}; },
          [this](Uplink::Connected what) { connected(std::move(what)); }),
      refusals_(refusals_at_once, refusals_per_second, now()),
      started_(now()) {}

HomeRole::~HomeRole() = default;

Status HomeRole::start() {
    const auto lines = allow_file_.load();
    if (!lines) return lines.error();
    for (const std::string& line : *lines) {
        const auto rule = parse_allow_rule(line);
        if (!rule) {
            return Error{ErrorCode::Malformed, fmt::format("{}: \"{}\": {}", allow_file_.path(),
                                                           line, rule.error().text)};
        }
        more_allow_.push_back(*rule);
    }
    go_on();
    uplinks_.begin();
    return Done{};
}

void HomeRole::stop() {
    uplinks_.stop();
    former_.reset();
    driver_.reset();
}

void HomeRole::connected(Uplink::Connected what) {
    relay_ = what.relay;
    // Another carrier of ours may have begun it.
    if (driver_ && driver_->session().id() == what.welcome.session) {
        if (!driver_->attached()) context_.log.info(fields(), "session resumed with {}", relay_);
    } else {
        begin_session(what.welcome.session);
    }
    driver_->attach(std::move(what.port), what.slot);
    uplinks_.follow(*driver_);
}

void HomeRole::begin_session(const SessionId& id) {
    if (driver_) {
        const std::size_t lost = driver_->session().streams().size();
        context_.log.warning(fields(), "the relay no longer knows our session: {} streams are lost",
                             lost);
        driver_->end(EndReason::Forgotten);
        former_ = std::move(driver_);
    }
    driver_ =
        std::make_unique<SessionDriver>(context_.loop, static_cast<SessionUser&>(*this), Side::Home,
                                        id, context_.arena, session_options(context_, settings_));
    context_.log.info(fields(), "session begun with {}", relay_);
}

void HomeRole::carrier_ready(SessionDriver& driver) {
    if (&driver != driver_.get()) return;
    uplinks_.follow(driver);
    const std::string text = fmt::format("connected to {}{}", relay_, carriers_text());
    context_.log.info(fields(), "{}", text);
    tell("carrier-added", text);
}

// Where several carriers are wanted: how many there are.
std::string HomeRole::carriers_text() const {
    if (settings_.carriers == 1) return {};
    return fmt::format(", by {} of {} carriers", driver_->carriers().size(), settings_.carriers);
}

void HomeRole::carrier_lost(SessionDriver& driver, const std::string& why) {
    if (&driver != driver_.get()) return;
    if (driver.attached()) {
        context_.log.warning(fields(), "lost a carrier: {}; its streams go on{}, redialling", why,
                             carriers_text());
    } else {
        context_.log.warning(fields(), "lost the connection to {}: {}; redialling at once", relay_,
                             why);
    }
    tell("carrier-lost", why);
    uplinks_.follow(driver);
}

void HomeRole::session_ended(SessionDriver& driver, EndReason reason) {
    if (&driver == former_.get()) {
        former_.reset();
        return;
    }
    context_.log.warning(fields(), "session ended: {}", name_of(reason));
    tell("session-ended", std::string(name_of(reason)));
    driver_.reset();
    opened_.clear();
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

void HomeRole::stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) {
    // A name that no rule has is judged by what it resolves to.
    if (parse_ip_address(to.host) && !may_dial_name(to)) {
        refuse(stream, to);
        return;
    }
    opened_[stream] = {to, now()};
    context_.log.debug(fields(), "stream {}: dialling {}:{} for {}", stream.value, to.host, to.port,
                       to.visitor);
    driver.adopt(stream, std::make_unique<Dialling>(*this, stream, to));
}

void HomeRole::refuse(StreamId stream, const Destination& to) {
    // A relay can ask as often as it likes.
    if (!may_tell_refusal()) {
        driver_->reset(stream, ResetReason::NotAllowed);
        return;
    }
    const std::string target = to_text(HostPort{to.host, to.port});
    LogFields where = fields();
    where.message_id = message_id::target_not_allowed;
    context_.log.warning(where,
                         "refused to dial {} for {}: not in the allow list; permit it with: "
                         "relayctl allow {}{}",
                         target, to.visitor, target, untold_refusals());
    tell("stream-refused", fmt::format("{} is not allowed: relayctl allow {}", target, target));
    driver_->reset(stream, ResetReason::NotAllowed);
}

bool HomeRole::may_tell_refusal() {
    if (refusals_.take(now())) return true;
    ++refusals_untold_;
    return false;
}

std::string HomeRole::untold_refusals() {
    const std::uint64_t count = std::exchange(refusals_untold_, 0);
    return count > 0 ? fmt::format(" ({} more were refused before)", count) : "";
}

bool HomeRole::may_dial_name(const Destination& to) const {
    const auto permits = [&](const AllowRule& rule) { return allows(rule, to.host, to.port); };
    return std::any_of(settings_.allow.begin(), settings_.allow.end(), permits) ||
           std::any_of(more_allow_.begin(), more_allow_.end(), permits);
}

bool HomeRole::may_dial_address(const std::string& address, std::uint16_t port) const {
    return may_dial_name({.host = address, .port = port, .visitor = {}});
}

void HomeRole::target_dialled(StreamId stream,
                              std::variant<UniqueFd, TargetDialer::Failure> result) {
    if (const auto* failure = std::get_if<TargetDialer::Failure>(&result)) {
        if (failure->reason == ResetReason::NotAllowed) {
            refuse(stream, opened_.at(stream).to);
            return;
        }
        if (may_tell_refusal()) {
            context_.log.info(fields(), "stream {}: {}{}", stream.value, failure->text,
                              untold_refusals());
        }
        driver_->reset(stream, failure->reason);
        return;
    }
    UniqueFd socket = std::move(std::get<UniqueFd>(result));
    context_.parking.park(socket.get());
    const LocalSocket note = note_of_socket(socket.get(), context_.parking);
    auto pump =
        std::make_unique<StreamPump>(context_.loop, std::move(socket), *driver_, context_.parking);
    pump->start(stream);
    driver_->session().connected(stream, note);
    driver_->adopt(stream, std::move(pump));
}

void HomeRole::stream_over(SessionDriver& driver, StreamId stream, std::optional<ResetReason>) {
    if (&driver == driver_.get()) opened_.erase(stream);
}

LogFields HomeRole::fields() const {
    return {.home = settings_.name, .session = session_text()};
}

std::string HomeRole::session_text() const {
    return driver_ ? text_of_session(driver_->session().id()) : std::string();
}

void HomeRole::tell(std::string kind, std::string text) {
    EventSnapshot event;
    event.kind = std::move(kind);
    event.home = settings_.name;
    event.session = session_text();
    event.text = std::move(text);
    events_.publish(std::move(event));
}

}  // namespace relay
