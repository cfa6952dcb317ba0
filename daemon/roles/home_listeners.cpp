#include "daemon/roles/home_listeners.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/forwards/socket_stream.h"
#include "daemon/io/socket_count.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/event_hub.h"
#include "daemon/roles/session_text.h"

namespace relay {

HomeListeners::HomeListeners(Home home) : home_(std::move(home)) {}

HomeListeners::~HomeListeners() = default;

void HomeListeners::add(const ForwardSettings& settings) {
    const ForwardId id{++last_forward_};
    auto& forward = forwards_[id];
    forward = std::make_unique<Forward>(home_.context.loop, id, settings,
                                        static_cast<ForwardUser&>(*this), home_.context.parking);
    if (there_) forward->home_came();
    (void)forward->listen();  // listening_changed() tells; it tries again by itself.
}

std::vector<std::string> HomeListeners::set(const std::vector<ForwardSettings>& wanted) {
    std::vector<std::string> changes;
    std::vector<ForwardSettings> kept;
    std::erase_if(forwards_, [&](const auto& entry) {
        const ForwardSettings& settings = entry.second->settings();
        const bool stays = std::find(wanted.begin(), wanted.end(), settings) != wanted.end();
        if (stays) {
            kept.push_back(settings);
        } else {
            changes.push_back("listener " + entry.second->listen_text() + " removed");
        }
        return !stays;
    });
    for (const ForwardSettings& settings : wanted) {
        if (std::find(kept.begin(), kept.end(), settings) != kept.end()) continue;
        add(settings);
        changes.push_back("listener " + to_text(settings.listen) + " added");
    }
    return changes;
}

void HomeListeners::relay_came() {
    if (std::exchange(there_, true)) return;
    for (auto& [id, forward] : forwards_) forward->home_came();
}

void HomeListeners::relay_left() {
    if (!std::exchange(there_, false)) return;
    for (auto& [id, forward] : forwards_) forward->home_left();
}

void HomeListeners::stop() {
    streams_.clear();
    forwards_.clear();
}

void HomeListeners::visitor_came(ForwardId id, Accepted visitor) {
    Forward& forward = *forwards_.at(id);
    const HostPort& to = forward.settings().target;
    SessionDriver& driver = *home_.driver();
    const auto stream =
        open_stream({home_.context.loop, driver, home_.context.parking}, std::move(visitor.fd),
                    {to.host, to.port, visitor.peer_address});
    if (!stream) {
        ++forward.counters().refused;
        return visitor_turned_away(id, visitor.peer_address, stream.error().text.c_str());
    }
    opened(*stream, {id, to, visitor.peer_address, now()});
    driver.settle();
}

void HomeListeners::opened(StreamId stream, Opened entry) {
    const auto forward = forwards_.find(entry.forward);
    if (forward != forwards_.end()) {
        ++forward->second->counters().streams;
        ++forward->second->counters().streams_total;
    }
    streams_[stream] = std::move(entry);
}

bool HomeListeners::stream_over(StreamId stream, std::optional<ResetReason> reset) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return false;
    const Opened gone = std::move(found->second);
    streams_.erase(found);
    const bool is_own_doing =
        !reset || *reset == ResetReason::SessionEnded || *reset == ResetReason::PeerReset;
    const auto forward = forwards_.find(gone.forward);
    if (forward != forwards_.end()) {
        auto& counters = forward->second->counters();
        if (counters.streams > 0) --counters.streams;
        if (!is_own_doing) ++counters.refused;
    }
    if (is_own_doing) return true;
    LogFields where = fields(gone.forward);
    where.peer = gone.from;
    const bool is_refusal = *reset == ResetReason::NotAllowed;
    where.message_id = is_refusal ? message_id::target_not_allowed : message_id::target_not_reached;
    home_.context.log.warning(
        where, "{}: {}", to_text(gone.to),
        is_refusal ? "the relay lets us not reach it (may-reach of this home there), or has no "
                     "such forward that listens"
                   : name_of(*reset));
    return true;
}

void HomeListeners::visitor_turned_away(ForwardId id, const std::string& address, const char* why) {
    const std::string_view reason = why;
    home_.context.log.warning(with_id(fields(id), message_id::visitor_turned_away),
                              "{} was turned away: {}", address,
                              reason == "no home" ? "no relay" : reason);
}

void HomeListeners::visitors_wait_outside(ForwardId id, const std::string& why) {
    home_.context.log.warning(with_id(fields(id), message_id::cannot_let_in),
                              "nobody can be let in: {}", why);
}

// Whoever still waits for a target gets an end instead of silence; streams that flow may wait.
void HomeListeners::grace_is_over(ForwardId id) {
    SessionDriver* driver = home_.driver();
    if (driver == nullptr) return;
    std::vector<StreamId> waiting;
    for (const auto& [stream, entry] : streams_) {
        const auto info = driver->session().info(stream);
        if (entry.forward == id && info && !info->connected) waiting.push_back(stream);
    }
    for (const StreamId stream : waiting) driver->reset(stream, ResetReason::TargetUnreachable);
}

void HomeListeners::listening_changed(ForwardId id) {
    const Forward& forward = *forwards_.at(id);
    LogFields where = fields(id);
    if (forward.is_listening()) {
        home_.context.log.info(where, "listening, for {}", forward.target_text());
        return home_.tell("forward-listening", "listening on " + forward.listen_text());
    }
    where.message_id = message_id::forward_not_listening;
    home_.context.log.warning(where, "cannot listen: {}; trying again", forward.error());
    home_.tell("forward-failed", forward.error());
}

void HomeListeners::go_on_with(SessionDriver& driver, StreamId stream, UniqueFd socket) {
    const ForwardId id = by_which_came(socket.get()).value_or(ForwardId{});
    const auto own = forwards_.find(id);
    const HostPort to = own == forwards_.end() ? HostPort{} : own->second->settings().target;
    opened(stream, {id, to, visitor_address_text(socket.get()), now()});
    restore_stream({home_.context.loop, driver, home_.context.parking}, stream, std::move(socket));
}

bool HomeListeners::take_untouched(UniqueFd& socket) {
    const auto id = by_which_came(socket.get());
    if (!id || !is_untouched(socket.get())) return false;
    std::string address = visitor_address_text(socket.get());
    forwards_.at(*id)->visitor_left_behind({std::move(socket), std::move(address)});
    return true;
}

std::optional<ForwardId> HomeListeners::by_which_came(int socket) const {
    for (const auto& [id, forward] : forwards_) {
        const HostPort& listen = forward->settings().listen;
        if (came_by(socket, listen.host, listen.port)) return id;
    }
    return std::nullopt;
}

LogFields HomeListeners::fields(ForwardId id) const {
    LogFields fields = home_.fields();
    const auto forward = forwards_.find(id);
    if (forward != forwards_.end()) fields.forward = forward->second->listen_text();
    return fields;
}

void HomeListeners::list(std::vector<ForwardSnapshot>& into) const {
    for (const auto& [id, forward] : forwards_) {
        ForwardSnapshot snapshot;
        snapshot.home = forward->settings().target.host;
        snapshot.listen = forward->listen_text();
        snapshot.target = forward->target_text();
        snapshot.probe_kind = probe_kind_name(ProbeKind::None);
        snapshot.grace_s = std::chrono::duration<double>(forward->settings().grace).count();
        snapshot.origin = "config";
        snapshot.listening = forward->is_listening();
        snapshot.error = forward->error();
        snapshot.streams = forward->counters().streams;
        snapshot.streams_total = forward->counters().streams_total;
        snapshot.refused = forward->counters().refused;
        into.push_back(std::move(snapshot));
    }
}

void HomeListeners::list_streams(const std::string& session,
                                 std::vector<StreamSnapshot>& into) const {
    const SessionDriver* driver = home_.driver();
    if (driver == nullptr) return;
    for (const auto& [stream, opened] : streams_) {
        const auto info = driver->session().info(stream);
        if (!info) continue;
        StreamSnapshot snapshot = snapshot_of(*info);
        snapshot.home = opened.to.host;
        snapshot.session = session;
        snapshot.target = to_text(opened.to);
        snapshot.visitor = opened.from;
        snapshot.since = moment_at(opened.since);
        const auto forward = forwards_.find(opened.forward);
        if (forward != forwards_.end()) snapshot.listen = forward->second->listen_text();
        into.push_back(std::move(snapshot));
    }
}

void HomeListeners::list_problems(std::vector<std::string>& into) const {
    for (const auto& [id, forward] : forwards_) {
        if (forward->is_listening()) continue;
        into.push_back(
            fmt::format("{} cannot listen: {}", forward->listen_text(), forward->error()));
    }
}

}  // namespace relay
