// What a home shows of one of its relays to an operator.
#include "daemon/roles/home_relay.h"
#include "daemon/roles/session_text.h"

namespace relay {

void HomeRelay::list_sessions(std::vector<SessionSnapshot>& into) const {
    if (!driver_) return;
    SessionSnapshot snapshot = relay::snapshot_of(*driver_);
    snapshot.home = settings_.name;
    snapshot.relay = name_;
    into.push_back(std::move(snapshot));
}

void HomeRelay::list_streams(std::vector<StreamSnapshot>& into) const {
    if (!driver_) return;
    const auto before = into.size();
    for (const auto& [stream, opened] : opened_) {
        const auto info = driver_->session().info(stream);
        if (!info) continue;
        StreamSnapshot snapshot = relay::snapshot_of(*info);
        // Seen from here, the directions are the other way round.
        std::swap(snapshot.bytes_in, snapshot.bytes_out);
        if (snapshot.state == "visitor-done") {
            snapshot.state = "target-done";
        } else if (snapshot.state == "target-done") {
            snapshot.state = "visitor-done";
        }
        snapshot.home = settings_.name;
        snapshot.session = session_text();
        snapshot.target = to_text(HostPort{opened.to.host, opened.to.port});
        snapshot.visitor = opened.to.visitor;
        snapshot.since = moment_at(opened.since);
        into.push_back(std::move(snapshot));
    }
    listeners_.list_streams(session_text(), into);
    for (auto i = before; i < into.size(); ++i) into[i].relay = name_;
}

ForwardSnapshot HomeRelay::snapshot_of(const ForwardSettings& forward) const {
    ForwardSnapshot snapshot;
    snapshot.home = settings_.name;
    snapshot.listen = to_text(forward.listen);
    snapshot.target = to_text(forward.target);
    snapshot.probe_kind = probe_kind_name(forward.probe);
    snapshot.grace_s = std::chrono::duration<double>(forward.grace).count();
    snapshot.origin = "home";
    snapshot.proxy_protocol = forward.proxy_protocol;
    show_ftp(forward.ftp, snapshot);
    const auto told = told_.find(forward.listen);
    if (told == told_.end()) {
        snapshot.error = "the relay has not answered yet";
    } else if (told->second.state == wire::ForwardStateKind::Denied) {
        snapshot.denied = told->second.why;
    } else {
        snapshot.listening = told->second.state == wire::ForwardStateKind::Listening;
        snapshot.error = told->second.why;
    }
    for (const auto& [stream, opened] : opened_) {
        const bool is_its = HostPort{opened.to.host, opened.to.port} == forward.target;
        if (is_its) ++snapshot.streams;
    }
    return snapshot;
}

void HomeRelay::list_forwards(std::vector<ForwardSnapshot>& into) const {
    const auto before = into.size();
    for (const ForwardSettings& forward : settings_.forwards) into.push_back(snapshot_of(forward));
    listeners_.list(into);
    for (auto i = before; i < into.size(); ++i) into[i].relay = name_;
}

}  // namespace relay
