// The forwards of a home, the visitors that come to them, and the streams that these become.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/forwards/kept_socket.h"
#include "daemon/forwards/stream_pump.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_home.h"

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
    own.forward = std::make_unique<Forward>(context_.loop, id, settings,
                                            static_cast<ForwardUser&>(*this), context_.parking);
    if (there_) own.forward->home_came();
    if (expires_unix_s) {
        own.expiry = std::make_unique<UvTimer>(context_.loop, [this, id] {
            tell("forward-removed", "its time is up", id);
            context_.log.info(fields(id), "the forward's time is up");
            remove_forward(id, Streams::GoOn);
            on_expired_();
        });
        own.expiry->arm(std::max(Duration::zero(),
                                 Duration(std::chrono::seconds(*expires_unix_s - unix_now()))));
    }
    (void)own.forward->listen();  // listening_changed() tells; it tries again by itself.
    prober_.add(id, settings.target, settings.probe);
    return id;
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

// Only a relay opens streams for now; a home's are for visitors, which this relay does not know.
void RelayHome::stream_opened(SessionDriver& driver, StreamId stream, const Destination&) {
    driver.reset(stream, ResetReason::NotAllowed);
}

void RelayHome::stream_over(SessionDriver&, StreamId stream, std::optional<ResetReason> reset) {
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    const OpenStream gone = found->second;
    streams_.erase(found);
    const auto forward = forwards_.find(gone.forward);
    if (forward == forwards_.end()) return;
    auto& counters = forward->second.forward->counters();
    if (counters.streams > 0) --counters.streams;
    const bool wanted = !reset || *reset == ResetReason::PeerReset ||
                        *reset == ResetReason::SessionEnded ||
                        *reset == ResetReason::ClosedByOperator;
    if (!wanted) {
        ++counters.refused;
        say_refused(*forward->second.forward, gone.visitor, *reset);
    }
}

void RelayHome::say_refused(Forward& forward, const std::string& visitor, ResetReason reason) {
    if (!may_tell_refusal(forward.id())) return;
    LogFields where = fields(forward.id());
    where.peer = visitor;
    std::string text = fmt::format("{} was turned away: {}", visitor, name_of(reason));
    if (reason == ResetReason::NotAllowed) {
        where.message_id = message_id::target_not_allowed;
        text +=
            fmt::format("; permit it at the home with: relayctl allow {}", forward.target_text());
    }
    context_.log.warning(where, "{}", text);
    tell("stream-refused", text, forward.id());
}

void RelayHome::visitor_came(ForwardId id, Accepted visitor) {
    Forward& forward = *forwards_.at(id).forward;
    const LocalSocket note = note_of_socket(visitor.fd.get(), context_.parking);
    auto pump = std::make_unique<StreamPump>(context_.loop, std::move(visitor.fd), *driver_,
                                             context_.parking);
    StreamPump& started = *pump;
    const ForwardSettings& settings = forward.settings();
    const auto stream = driver_->open(
        {settings.target.host, settings.target.port, visitor.peer_address}, std::move(pump), note);
    if (!stream) {
        ++forward.counters().refused;
        return visitor_turned_away(id, visitor.peer_address, stream.error().text.c_str());
    }
    streams_[*stream] = {id, visitor.peer_address, now()};
    ++forward.counters().streams;
    ++forward.counters().streams_total;
    context_.log.debug(fields(id), "stream {} for {}", stream->value, visitor.peer_address);
    started.start(*stream);
    driver_->settle();
}

void RelayHome::visitor_turned_away(ForwardId id, const std::string& address, const char* why) {
    if (!may_tell_refusal(id)) return;
    context_.log.info(fields(id), "{} was turned away: {}", address, why);
}

void RelayHome::visitors_wait_outside(ForwardId id, const std::string& why) {
    if (!may_tell_refusal(id)) return;
    context_.log.warning(fields(id), "no visitor can be let in: {}; trying again until one can",
                         why);
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
    LogFields where = fields(id);
    if (forward.is_listening()) {
        context_.log.info(where, "listening, for {}", forward.target_text());
        tell("forward-listening", "listening", id);
        return;
    }
    where.message_id = message_id::forward_not_listening;
    context_.log.warning(where, "cannot listen: {}; trying again", forward.error());
    tell("forward-failed", forward.error(), id);
}

}  // namespace relay
