// The forwards of a home, the visitors that come to them, and the streams that these become.
#include <fmt/format.h>

#include <algorithm>

#include "common/base/text.h"
#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/socket_stream.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_socket.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_home.h"
#include "daemon/roles/session_text.h"

namespace relay {

namespace {

constexpr Duration refusal_pause = std::chrono::seconds(10);  // Between two lines of one forward.

}  // namespace

ForwardId RelayHome::add_forward(const ForwardSettings& settings, Origin origin,
                                 std::optional<std::int64_t> expires_unix_s) {
    const ForwardId id{++last_forward_};
    OwnForward& own = forwards_[id];
    own.origin = origin;
    own.expires_unix_s = expires_unix_s;
    own.forward = std::make_unique<Forward>(
        context_.loop, id, settings, static_cast<ForwardUser&>(*this), context_.parking, &guard_);
    stand_behind_its_gate(own);
    if (there_) own.forward->home_came();
    if (expires_unix_s) {
        own.expiry = std::make_unique<UvTimer>(context_.loop, [this, id] {
            tell("forward-removed", "its time is up", id);
            context_.log.info(with_id(fields(id), message_id::forward_expired),
                              "the forward's time is up");
            remove_forward(id, Streams::GoOn);
            on_changed_();
        });
        own.expiry->arm(std::max(Duration::zero(),
                                 Duration(std::chrono::seconds(*expires_unix_s - unix_now()))));
    }
    (void)own.forward->listen();  // listening_changed() tells; it tries again by itself.
    prober_.add(id, settings);
    return id;
}

// The settings name the gate of those that they list; all others come at run time.
std::string RelayHome::gate_of(const OwnForward& own) const {
    const ForwardSettings& forward = own.forward->settings();
    if (own.origin == Origin::Config || !forward.gate.empty()) return forward.gate;
    return can_be_gated(forward.listen) ? default_gate() : std::string();
}

const std::string& RelayHome::default_gate() const {
    const auto found = settings_.homes.find(name_);
    const bool has_own = found != settings_.homes.end() && !found->second.default_gate.empty();
    return has_own ? found->second.default_gate : settings_.default_gate;
}

void RelayHome::stand_behind_its_gate(OwnForward& own) {
    if (context_.gates != nullptr) own.forward->stand_behind(*context_.gates, gate_of(own));
}

void RelayHome::remove_forward(ForwardId id, Streams streams) {
    const auto found = forwards_.find(id);
    if (found == forwards_.end()) return;
    if (streams == Streams::Reset && driver_) {
        std::vector<StreamId> open;
        for (const auto& [stream, entry] : streams_) {
            if (entry.forward == id) open.push_back(stream);
        }
        for (const StreamId stream : open) driver_->reset(stream, ResetReason::ClosedByOperator);
    }
    prober_.remove(id);
    refusals_logged_.erase(id);
    last_verdicts_.erase(id);
    forwards_.erase(id);
}

// What was added otherwise in the meantime stays as it is.
void RelayHome::add_expected_forwards() {
    for (const ForwardSettings& wanted : std::exchange(expected_, {})) {
        const bool is_there = std::any_of(forwards_.begin(), forwards_.end(), [&](const auto& own) {
            return own.second.forward->settings().listen == wanted.listen;
        });
        if (!is_there) of_session_.push_back(add_forward(wanted, Origin::Temporary, std::nullopt));
    }
}

void RelayHome::remove_expected_forwards() {
    for (const ForwardId id : std::exchange(of_session_, {})) remove_forward(id, Streams::GoOn);
}

// For whoever came to a listener of the home.
void RelayHome::stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (const std::string why = refusal_by_policy(); !why.empty()) {
        return refuse_to_reach(driver, stream, {ResetReason::LimitReached, why});
    }
    if (&driver == driver_.get() && open_ftp_data(driver, stream, to)) return;
    if (&driver == driver_.get() && reached_.open(driver, stream, to, reach_rules())) return;
    // The same for what is not there and for what may not be reached.
    refuse_to_reach(driver, stream,
                    {ResetReason::NotAllowed,
                     fmt::format("its may-reach names no forward that listens at {0}, and no "
                                 "target of this relay",
                                 to_text(HostPort{to.host, to.port}))});
}

std::vector<ReachRule> RelayHome::reach_rules() const {
    std::vector<ReachRule> rules = permissions_.config.reach;
    rules.insert(rules.end(), permissions_.runtime.reach.begin(), permissions_.runtime.reach.end());
    return rules;
}

void RelayHome::refuse_to_reach(SessionDriver& driver, StreamId stream, const NotReached& how) {
    if (reach_refusals_.take(now())) {
        const std::uint64_t before = std::exchange(reach_refusals_untold_, 0);
        const std::string more = before > 0 ? fmt::format(" ({} more before)", before) : "";
        const bool is_limit = how.reason == ResetReason::LimitReached;
        context_.log.warning(with_id(fields(), is_limit ? message_id::visitor_turned_away
                                                        : message_id::target_not_allowed),
                             "refused a stream that the home opens: {}{}", how.why, more);
        tell("stream-refused", how.why);
    } else {
        ++reach_refusals_untold_;
    }
    driver.reset(stream, how.reason);
}

void RelayHome::stream_over(SessionDriver& driver, StreamId stream,
                            std::optional<ResetReason> reset) {
    if (&driver == driver_.get() && reached_.over(stream)) return;
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    const OpenStream gone = found->second;
    streams_.erase(found);
    const auto forward = forwards_.find(gone.forward);
    if (forward == forwards_.end()) return;
    auto& counters = forward->second.forward->counters();
    if (counters.streams > 0) --counters.streams;
    if (!events_.silent()) {
        tell("stream-closed",
             fmt::format("stream {} of {}{}", stream.value, gone.visitor, end_text(reset)),
             gone.forward);
    }
    const bool wanted = !reset || *reset == ResetReason::PeerReset ||
                        *reset == ResetReason::SessionEnded ||
                        *reset == ResetReason::ClosedByOperator;
    const bool is_visitors_doing = !reset || *reset == ResetReason::PeerReset;
    if (is_visitors_doing) count_for_guard(gone, *forward->second.forward);
    if (!wanted) {
        ++counters.refused;
        say_refused(*forward->second.forward, gone.visitor, *reset);
    }
}

void RelayHome::count_for_guard(const OpenStream& gone, const Forward& forward) {
    if (!gone.counted) return;
    if (guard_.ended(*gone.counted, now() - gone.since, now()))
        source_refused(forward.id(), gone.visitor);
}

void RelayHome::source_refused(ForwardId id, const std::string& address) {
    LogFields where = fields(id);
    where.peer = address;
    where.message_id = message_id::source_refused;
    context_.log.warning(
        where, "connections from {} look like guesses of passwords: refused for {}",
        address.substr(0, address.rfind(':')), duration_text(settings_.guard.refuse_for));
    tell("source-refused", address, id);
}

void RelayHome::say_refused(Forward& forward, const std::string& visitor, ResetReason reason) {
    if (!may_tell_refusal(forward.id())) return;
    LogFields where = fields(forward.id());
    where.peer = visitor;
    where.message_id = message_id::visitor_turned_away;
    std::string text = fmt::format("{} was turned away: {}", visitor, name_of(reason));
    if (reason == ResetReason::NotAllowed) {
        where.message_id = message_id::target_not_allowed;
        text +=
            fmt::format("; permit it at the home with: relayctl allow {}", forward.target_text());
    }
    context_.log.warning(where, "{}", text);
    tell("stream-refused", text, forward.id());
}

// Of a stream more, whoever opens it.
std::string RelayHome::refusal_by_policy() const {
    if (std::string why = closed_now(policy(), wall_time_here()); !why.empty()) return why;
    return full_now(policy(), streams_.size() + reached_.count());
}

std::string RelayHome::refusal_by_policy(const Forward& forward) const {
    if (std::string why = refusal_by_policy(); !why.empty()) return why;
    return target_refused(policy(), forward.settings().target);
}

void RelayHome::visitor_came(ForwardId id, Accepted visitor) {
    Forward& forward = *forwards_.at(id).forward;
    const ForwardSettings& settings = forward.settings();
    if (const std::string why = refusal_by_policy(forward); !why.empty()) {
        ++forward.counters().refused;
        end_parked(context_.parking, std::move(visitor.fd));
        return visitor_turned_away(id, visitor.peer_address, why.c_str());
    }
    const auto sealed_for = names_.sealed_for(visitor.peer_address);
    if (sealed_for && cannot_seal()) {
        ++forward.counters().refused;
        end_parked(context_.parking, std::move(visitor.fd));
        return visitor_turned_away(id, names_.shown(visitor.peer_address),
                                   "the home has no end-to-end encryption");
    }
    const auto counted = forward.guarded_source(visitor);
    const std::string listener = !settings.proxy_protocol ? std::string()
                                 : is_unix(settings.listen.host)
                                     ? "unix"  // Without addresses, but with a header.
                                     : local_address_text(visitor.fd.get());
    const Destination to{settings.target.host, settings.target.port,
                         names_.shown(visitor.peer_address), listener, sealed_for};
    const std::string from = visitor.peer_address;
    const auto stream = open_for(forward, std::move(visitor), to);
    if (!stream) {
        ++forward.counters().refused;
        return visitor_turned_away(id, from, stream.error().text.c_str());
    }
    stream_began(*stream, {id, from, now(), counted});
    driver_->settle();
}

Result<StreamId> RelayHome::open_for(const Forward& forward, Accepted visitor,
                                     const Destination& to) {
    const auto* known = names_.find(visitor.peer_address);
    if (known != nullptr && known->ftp) {
        return open_ftp_of_visitor(forward, std::move(visitor), to, *known->ftp);
    }
    // What is sealed nobody reads here.
    if (forward.settings().ftp.is_on && !to.sealed_for) {
        return open_ftp(forward, std::move(visitor.fd), to);
    }
    return open_stream({context_.loop, *driver_, context_.parking, &rates_}, std::move(visitor.fd),
                       to);
}

void RelayHome::stream_began(StreamId stream, const OpenStream& open) {
    streams_[stream] = open;
    auto& counters = forwards_.at(open.forward).forward->counters();
    ++counters.streams;
    ++counters.streams_total;
    context_.log.debug(fields(open.forward), "stream {} for {}", stream.value, open.visitor);
    if (events_.silent()) return;
    tell("stream-opened", fmt::format("stream {} of {}", stream.value, names_.shown(open.visitor)),
         open.forward);
}

bool RelayHome::cannot_seal() const {
    const std::uint16_t version = driver_ ? driver_->session().peer_version() : 0;
    return version > 0 && version < wire::version_sealed;
}

bool RelayHome::knows_no_ftp() const {
    const std::uint16_t version = driver_ ? driver_->session().peer_version() : 0;
    return version > 0 && version < wire::version_ftp;
}

void RelayHome::visitor_turned_away(ForwardId id, const std::string& address, const char* why) {
    if (!may_tell_refusal(id)) return;
    context_.log.info(with_id(fields(id), message_id::visitor_turned_away),
                      "{} was turned away: {}", address, why);
}

void RelayHome::visitors_wait_outside(ForwardId id, const std::string& why) {
    if (!may_tell_refusal(id)) return;
    context_.log.warning(with_id(fields(id), message_id::cannot_let_in),
                         "no visitor can be let in: {}; trying again until one can", why);
}

bool RelayHome::may_tell_refusal(ForwardId id) {
    auto [last, is_first] = refusals_logged_.try_emplace(id, now());
    if (!is_first && now() - last->second < refusal_pause) return false;
    last->second = now();
    return true;
}

// Whoever still waits for a target gets an end instead of silence; streams that flow may wait.
void RelayHome::grace_is_over(ForwardId id) {
    if (!driver_) return;
    std::vector<StreamId> waiting;
    for (const auto& [stream, open] : streams_) {
        const auto info = driver_->session().info(stream);
        if (open.forward == id && info && !info->connected) waiting.push_back(stream);
    }
    for (const StreamId stream : waiting) driver_->reset(stream, ResetReason::TargetUnreachable);
}

void RelayHome::listening_changed(ForwardId id) {
    const Forward& forward = *forwards_.at(id).forward;
    const bool is_asked = forwards_.at(id).origin == Origin::Home;
    if (is_asked) tell_state(forward);
    if (is_asked && !may_tell_asked()) return;
    LogFields where = fields(id);
    if (forward.is_listening()) {
        context_.log.info(where, "listening, for {}{}", forward.target_text(), untold_asked());
        tell("forward-listening", "listening", id);
        return;
    }
    where.message_id = message_id::forward_not_listening;
    context_.log.warning(where, "cannot listen: {}; trying again", forward.error());
    tell("forward-failed", forward.error(), id);
}

}  // namespace relay
