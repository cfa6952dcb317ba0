#include "daemon/roles/relay_visitor.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

// Of a session that has neither carrier nor stream: an OPEN may be on its way.
constexpr Duration patience = std::chrono::minutes(1);
// A process for each ssh: more than a home comes.
constexpr double arrivals_at_once = 120;
constexpr double arrivals_per_second = 4;
constexpr double refusals_at_once = 10;
constexpr double refusals_per_second = 0.1;

}  // namespace

RelayVisitor::RelayVisitor(const House& house, std::string name)
    : house_(house),
      context_(house.context),
      name_(std::move(name)),
      rates_(house.context.loop),
      arrivals_(arrivals_at_once, arrivals_per_second, now()),
      refusals_(refusals_at_once, refusals_per_second, now()) {}

RelayVisitor::~RelayVisitor() = default;

std::string RelayVisitor::owner_text(std::string_view name) {
    return "@" + std::string{name};
}

SessionOptions RelayVisitor::options_of_session() const {
    SessionOptions options = session_options(context_, house_.settings);
    options.streams_max = std::min(house_.settings.streams_per_home, wire::streams_max);
    options.owner = owner_text(name_);
    return options;
}

RelayVisitor::Held& RelayVisitor::hold(std::unique_ptr<SessionDriver> driver) {
    rates_.set(policy().rate);
    auto held = std::make_unique<Held>();
    held->driver = std::move(driver);
    held->patience = std::make_unique<UvTimer>(context_.loop, [this, own = held->driver.get()] {
        if (!own->attached() && own->session().streams().empty()) own->end(EndReason::Expired);
    });
    sessions_.push_back(std::move(held));
    return *sessions_.back();
}

RelayVisitor::Held* RelayVisitor::find(const SessionDriver& driver) {
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& held) {
        return held->driver.get() == &driver;
    });
    return found == sessions_.end() ? nullptr : found->get();
}

RelayVisitor::Held* RelayVisitor::find(const SessionId& id) {
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& held) {
        const Session& session = held->driver->session();
        return !session.over() && session.id() == id;
    });
    return found == sessions_.end() ? nullptr : found->get();
}

// The session of a process that is gone without a word goes first.
bool RelayVisitor::make_room() {
    if (sessions_.size() < sessions_most) return true;
    const auto idle = std::find_if(sessions_.begin(), sessions_.end(), [](const auto& held) {
        return !held->driver->attached() && held->streams.empty();
    });
    if (idle == sessions_.end()) return false;
    (*idle)->driver->end(EndReason::Expired);
    return true;
}

std::variant<Welcome, Refusal> RelayVisitor::welcome(const HomeProof& proof) {
    if (!arrivals_.take(now())) {
        return Refusal{RefusalReason::Busy, "the visitor has come too often in a short time"};
    }
    Welcome welcome;
    welcome.keep = house_.settings.keep_streams;
    welcome.session = proof.resume;
    if (find(proof.resume) != nullptr) {
        welcome.resumed = true;
        return welcome;
    }
    const auto given = std::find_if(given_.begin(), given_.end(),
                                    [&](const auto& entry) { return entry.first == proof.resume; });
    if (proof.resume != SessionId{} && given != given_.end()) {
        welcome.session = given->second;
        return welcome;
    }
    if (!make_room()) {
        return Refusal{RefusalReason::Busy, "the visitor has as many sessions as it may"};
    }
    context_.random.fill(welcome.session);
    if (proof.resume != SessionId{}) {
        given_.emplace_back(proof.resume, welcome.session);
        if (given_.size() > sessions_most) given_.pop_front();
    }
    return welcome;
}

void RelayVisitor::connected(RelayHandshaker::Outcome outcome) {
    const std::string address = outcome.port->carrier().info().peer_address;
    Held* held = find(outcome.welcome.session);
    if (held == nullptr && outcome.welcome.resumed) return;  // It ended meanwhile: it redials.
    const bool is_new = held == nullptr;
    if (is_new) {
        held = &hold(std::make_unique<SessionDriver>(
            context_.loop, static_cast<SessionUser&>(*this), Side::Relay, outcome.welcome.session,
            context_.arena, options_of_session()));
    }
    LogFields where = fields(held->driver.get());
    where.peer = address;
    if (is_new || !held->driver->attached()) {
        context_.log.info(where, "the visitor {} {} from {}", name_,
                          is_new ? "connected" : "resumed its session", address);
        tell(is_new ? "visitor-online" : "session-resumed", "from " + address, held->driver.get());
    }
    since_ = now();
    held->patience->disarm();
    held->driver->session().set_peer_version(outcome.proof.version);
    held->driver->attach(std::move(outcome.port), outcome.proof.slot);
}

void RelayVisitor::carrier_ready(SessionDriver&) {}

void RelayVisitor::carrier_lost(SessionDriver& driver, const std::string& why) {
    if (driver.attached()) return;
    Held* held = find(driver);
    if (held == nullptr) return;
    context_.log.info(fields(&driver), "lost the visitor {}: {}; its {} streams wait for it", name_,
                      why, held->streams.size());
    tell("visitor-away", why, &driver);
    since_ = now();
    be_patient(*held);
}

void RelayVisitor::carrier_left(SessionDriver&) {}

void RelayVisitor::be_patient(Held& held) {
    if (!held.driver->attached() && held.streams.empty()) {
        held.patience->arm(std::min(patience, house_.settings.keep_streams));
    }
}

void RelayVisitor::session_ended(SessionDriver& driver, EndReason reason) {
    const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& held) {
        return held->driver.get() == &driver;
    });
    if (found == sessions_.end()) return;
    const auto gone = std::move(*found);
    sessions_.erase(found);
    for (const auto& [id, stream] : gone->streams) house_.names.remove(stream.from);
    context_.log.info(fields(&driver), "a session of the visitor {} ended: {}", name_,
                      name_of(reason));
    tell("session-ended", std::string(name_of(reason)), &driver);
    since_ = now();
    if (sessions_.empty() && on_left_) on_left_();
}

std::vector<const SessionDriver*> RelayVisitor::sessions() const {
    std::vector<const SessionDriver*> list;
    for (const auto& held : sessions_) {
        if (!held->driver->session().over()) list.push_back(held->driver.get());
    }
    return list;
}

SessionDriver* RelayVisitor::session(const std::string& id) const {
    for (const auto& held : sessions_) {
        const Session& session = held->driver->session();
        const bool is_it = id.empty() || text_of_session(session.id()) == id;
        if (is_it && !session.over()) return held->driver.get();
    }
    return nullptr;
}

bool RelayVisitor::online() const {
    return std::any_of(sessions_.begin(), sessions_.end(),
                       [](const auto& held) { return held->driver->attached(); });
}

bool RelayVisitor::end_session(const std::string& id) {
    for (const auto& held : sessions_) {
        if (text_of_session(held->driver->session().id()) != id) continue;
        held->driver->end(EndReason::ClosedByOperator);
        return true;
    }
    return false;
}

void RelayVisitor::end_sessions(EndReason reason) {
    for (const auto& held : sessions_) held->driver->end(reason);
}

void RelayVisitor::drop() {
    sessions_.clear();
}

void RelayVisitor::leave(std::function<void()> on_left) {
    if (sessions_.empty()) {
        on_left();
        return;
    }
    on_left_ = std::move(on_left);
    end_sessions(EndReason::Removed);
}

LogFields RelayVisitor::fields(const SessionDriver* driver) const {
    LogFields fields;
    if (driver != nullptr) fields.session = text_of_session(driver->session().id());
    return fields;
}

void RelayVisitor::tell(std::string kind, std::string text, const SessionDriver* driver) const {
    EventSnapshot event;
    event.kind = std::move(kind);
    event.visitor = name_;
    if (driver != nullptr) event.session = text_of_session(driver->session().id());
    event.text = std::move(text);
    house_.events.publish(std::move(event));
}

}  // namespace relay
