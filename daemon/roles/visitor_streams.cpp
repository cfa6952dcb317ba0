// What a visitor listens on, and the streams that connections to it become.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/forwards/kept_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/session_text.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

ForwardId VisitorRole::add_forward(const ForwardSettings& settings) {
    const ForwardId id{++last_forward_};
    auto& forward = forwards_[id];
    forward = std::make_unique<Forward>(context_.loop, id, settings,
                                        static_cast<ForwardUser&>(*this), context_.parking);
    if (there_) forward->home_came();
    (void)forward->listen();  // listening_changed() tells; it tries again by itself.
    return id;
}

// Streams that came by a listener which goes, go on.
void VisitorRole::apply_forwards(const VisitSettings& next, ReloadSnapshot& result) {
    for (const ForwardSettings& old : settings_.forwards) {
        const auto& all = next.forwards;
        if (std::find(all.begin(), all.end(), old) != all.end()) continue;
        std::erase_if(forwards_, [&](const auto& entry) {
            return entry.first != dynamic_ && entry.second->settings() == old;
        });
        result.changes.push_back("forward " + to_text(old.listen) + " removed");
    }
    for (const ForwardSettings& forward : next.forwards) {
        const auto& all = settings_.forwards;
        if (std::find(all.begin(), all.end(), forward) != all.end()) continue;
        (void)add_forward(forward);
        result.changes.push_back("forward " + to_text(forward.listen) + " added");
    }
}

void VisitorRole::visitor_came(ForwardId id, Accepted visitor) {
    if (id == dynamic_) return socks_came(id, std::move(visitor));
    const ForwardSettings& forward = forwards_.at(id)->settings();
    Opened entry{id, forward.target, visitor.peer_address, now()};
    if (speaks_ftp(forward)) entry.ftp.kind = FtpPart::Kind::Control;
    auto sealed = seals(entry.to.host);
    if (forward.ftp.is_on && relay_version_ < wire::version_ftp) {
        sealed = Error{ErrorCode::Unsupported,
                       "the relay is of an older version, which knows no FTP of visitors"};
    }
    if (!sealed) {
        end_parked(context_.parking, std::move(visitor.fd));
        return not_opened(entry, sealed.error());
    }
    open(std::move(visitor.fd), std::move(entry), *sealed);
}

void VisitorRole::opened(StreamId stream, Opened entry) {
    context_.log.debug(fields(), "stream {}: {} for {}", stream.value, to_text(entry.to),
                       entry.from);
    const auto forward = forwards_.find(entry.forward);
    if (forward != forwards_.end()) {
        ++forward->second->counters().streams;
        ++forward->second->counters().streams_total;
    }
    if (!events_.silent()) {
        tell("stream-opened",
             fmt::format("stream {} to {} for {}", stream.value, to_text(entry.to), entry.from));
    }
    streams_[stream] = std::move(entry);
}

// A relay opens none but for FTP's servers.
void VisitorRole::stream_opened(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (measurings_.answer(driver, stream, to) || ftp_data_opened(driver, stream, to)) return;
    driver.reset(stream, ResetReason::NotAllowed);
}

void VisitorRole::stream_over(SessionDriver& driver, StreamId stream,
                              std::optional<ResetReason> reset) {
    if (&driver != driver_.get()) return;
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    const Opened gone = std::move(found->second);
    streams_.erase(found);
    if (reset == ResetReason::SpeaksFtp) found_ftp_[gone.to] = true;
    if (!events_.silent()) {
        tell("stream-closed",
             fmt::format("stream {} to {}{}", stream.value, to_text(gone.to), end_text(reset)));
    }
    // That a connection was reset is its own business, but for the one that is all there is.
    const bool is_ours =
        !reset || *reset == ResetReason::SessionEnded || *reset == ResetReason::PeerReset;
    const bool is_news =
        !is_ours || (stdio_ && gone.forward == ForwardId{} && !on_wound_down_) || !gone.why.empty();
    if (reset && is_news && !gone.goes_on) say_reset(gone, *reset);
    const auto forward = forwards_.find(gone.forward);
    if (forward == forwards_.end()) return;
    auto& counters = forward->second->counters();
    if (counters.streams > 0) --counters.streams;
    if (!is_ours && !gone.goes_on) ++counters.refused;
}

void VisitorRole::say_reset(const Opened& stream, ResetReason reason) {
    LogFields where = fields();
    where.peer = stream.from;
    if (reason == ResetReason::NotAllowed) {
        where.message_id = message_id::target_not_allowed;
        context_.log.warning(where,
                             "the relay lets us not reach {}, or has no such forward that listens; "
                             "to be allowed there: {}",
                             to_text(stream.to), how_to_let_in());
        return;
    }
    where.message_id = message_id::target_not_reached;
    context_.log.warning(where, "{}: {}", to_text(stream.to),
                         stream.why.empty() ? name_of(reason) : stream.why);
}

void VisitorRole::visitor_turned_away(ForwardId id, const std::string& address, const char* why) {
    const std::string_view reason = why;
    context_.log.warning(with_id(fields(), message_id::visitor_turned_away),
                         "{}: {} was turned away: {}", forwards_.at(id)->listen_text(), address,
                         reason == "no home" ? "no relay" : reason);
}

void VisitorRole::visitors_wait_outside(ForwardId id, const std::string& why) {
    context_.log.warning(with_id(fields(), message_id::cannot_let_in),
                         "{}: nobody can be let in: {}", forwards_.at(id)->listen_text(), why);
}

// Whoever still waits for a home gets an end instead of silence; streams that flow may wait.
void VisitorRole::grace_is_over(ForwardId id) {
    if (!driver_) return;
    std::vector<StreamId> waiting;
    for (const auto& [stream, entry] : streams_) {
        const auto info = driver_->session().info(stream);
        if (entry.forward == id && info && !info->connected) waiting.push_back(stream);
    }
    for (const StreamId stream : waiting) driver_->reset(stream, ResetReason::TargetUnreachable);
}

void VisitorRole::listening_changed(ForwardId id) {
    const Forward& forward = *forwards_.at(id);
    LogFields where = fields();
    where.forward = forward.listen_text();
    if (forward.is_listening()) {
        context_.log.info(where, "listening on {} for {}", forward.listen_text(),
                          forward.settings().target.port == 0 ? "SOCKS5" : forward.target_text());
        tell("forward-listening", "listening");
        return;
    }
    where.message_id = message_id::forward_not_listening;
    context_.log.warning(where, "cannot listen: {}; trying again", forward.error());
    tell("forward-failed", forward.error());
}

}  // namespace relay
