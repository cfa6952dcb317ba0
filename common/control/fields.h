// The names of all fields in JSON, once for both directions: fields(visit, value) calls
// visit("name", value.member) for each. docs/CONTROL.md describes them.
#pragma once

#include <concepts>
#include <type_traits>

#include "common/control/reply.h"
#include "common/control/request.h"
#include "common/control/snapshot.h"

namespace relay {

// T or const T: a value is read into or written out by the same list.
template <typename S, typename T>
concept Is = std::same_as<std::remove_const_t<S>, T>;

void fields(auto& visit, Is<ProbeSnapshot> auto& s) {
    visit("home", s.home);
    visit("forward", s.forward);
    visit("target", s.target);
    visit("kind", s.kind);
    visit("verdict", s.verdict);
    visit("ok", s.ok);
    visit("detail", s.detail);
    visit("connect_ms", s.connect_ms);
    visit("answer_ms", s.answer_ms);
    visit("at", s.at);
}

void fields(auto& visit, Is<ResourcesSnapshot> auto& s) {
    visit("memory_bytes", s.memory_bytes);
    visit("stream_memory_bytes", s.stream_memory_bytes);
    visit("descriptors", s.descriptors);
    visit("descriptors_most", s.descriptors_most);
    visit("timers", s.timers);
    visit("handles", s.handles);
}

void fields(auto& visit, Is<StatusSnapshot> auto& s) {
    visit("version", s.version);
    visit("role", s.role);
    visit("pid", s.pid);
    visit("started", s.started);
    visit("identity", s.identity);
    visit("home", s.home);
    visit("listen", s.listen);
    visit("relays", s.relays);
    visit("log_level", s.log_level);
    visit("config", s.config);
    visit("homes_known", s.homes_known);
    visit("sessions", s.sessions);
    visit("sessions_detached", s.sessions_detached);
    visit("streams", s.streams);
    visit("forwards", s.forwards);
    visit("resources", s.resources);
    visit("problems", s.problems);
}

void fields(auto& visit, Is<CarrierSnapshot> auto& s) {
    visit("kind", s.kind);
    visit("address", s.address);
    visit("since", s.since);
    visit("rtt_ms", s.rtt_ms);
    visit("bytes_in", s.bytes_in);
    visit("bytes_out", s.bytes_out);
    visit("slot", s.slot);
}

void fields(auto& visit, Is<SessionForwardSnapshot> auto& s) {
    visit("listen", s.listen);
    visit("target", s.target);
    visit("probe", s.probe);
}

void fields(auto& visit, Is<SessionSnapshot> auto& s) {
    visit("home", s.home);
    visit("id", s.id);
    visit("state", s.state);
    visit("address", s.address);
    visit("since", s.since);
    visit("carriers", s.carriers);
    visit("rtt_ms", s.rtt_ms);
    visit("streams", s.streams);
    visit("bytes_in", s.bytes_in);
    visit("bytes_out", s.bytes_out);
    visit("forwards", s.forwards);
}

void fields(auto& visit, Is<StreamSnapshot> auto& s) {
    visit("id", s.id);
    visit("home", s.home);
    visit("session", s.session);
    visit("listen", s.listen);
    visit("target", s.target);
    visit("visitor", s.visitor);
    visit("state", s.state);
    visit("since", s.since);
    visit("bytes_in", s.bytes_in);
    visit("bytes_out", s.bytes_out);
    visit("buffered_bytes", s.buffered_bytes);
}

void fields(auto& visit, Is<ForwardSnapshot> auto& s) {
    visit("home", s.home);
    visit("listen", s.listen);
    visit("target", s.target);
    visit("probe_kind", s.probe_kind);
    visit("grace_s", s.grace_s);
    visit("origin", s.origin);
    visit("expires", s.expires);
    visit("listening", s.listening);
    visit("error", s.error);
    visit("probe", s.probe);
    visit("streams", s.streams);
    visit("streams_total", s.streams_total);
    visit("refused", s.refused);
}

void fields(auto& visit, Is<HomeSnapshot> auto& s) {
    visit("name", s.name);
    visit("fingerprints", s.fingerprints);
    visit("from", s.from);
    visit("origin", s.origin);
    visit("online", s.online);
    visit("since", s.since);
    visit("forwards", s.forwards);
}

void fields(auto& visit, Is<InvitedForwardSnapshot> auto& s) {
    visit("listen", s.listen);
    visit("target", s.target);
}

void fields(auto& visit, Is<InvitationSnapshot> auto& s) {
    visit("home", s.home);
    visit("created", s.created);
    visit("expires", s.expires);
    visit("forwards", s.forwards);
    visit("token", s.token);
    visit("url", s.url);
    visit("command", s.command);
    visit("notes", s.notes);
}

void fields(auto& visit, Is<AllowSnapshot> auto& s) {
    visit("target", s.target);
    visit("origin", s.origin);
}

void fields(auto& visit, Is<ReloadSnapshot> auto& s) {
    visit("changes", s.changes);
    visit("needs_restart", s.needs_restart);
}

void fields(auto& visit, Is<EventSnapshot> auto& s) {
    visit("at", s.at);
    visit("kind", s.kind);
    visit("home", s.home);
    visit("session", s.session);
    visit("forward", s.forward);
    visit("text", s.text);
}

void fields(auto& visit, Is<SessionList> auto& s) {
    visit("sessions", s.sessions);
    visit("left_off", s.left_off);
    visit("next", s.next);
}

void fields(auto& visit, Is<StreamList> auto& s) {
    visit("streams", s.streams);
    visit("left_off", s.left_off);
    visit("next", s.next);
}

void fields(auto& visit, Is<ForwardList> auto& s) {
    visit("forwards", s.forwards);
    visit("left_off", s.left_off);
    visit("next", s.next);
}

void fields(auto& visit, Is<HomeList> auto& s) {
    visit("homes", s.homes);
    visit("left_off", s.left_off);
    visit("next", s.next);
}

void fields(auto& visit, Is<InvitationList> auto& s) {
    visit("invitations", s.invitations);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<AllowList> auto& s) {
    visit("allow", s.allow);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<ProbeList> auto& s) {
    visit("probes", s.probes);
    visit("left_off", s.left_off);
}

void fields(auto&, Is<Nothing> auto&) {}

void fields(auto& visit, Is<ListPart> auto& s) {
    visit("home", s.home);
    visit("after", s.after);
    visit("limit", s.limit);
}

void fields(auto& visit, Is<AddForward> auto& s) {
    visit("home", s.home);
    visit("listen", s.listen);
    visit("to", s.to);
    visit("probe", s.probe);
    visit("grace_s", s.grace_s);
    visit("temporary", s.temporary);
    visit("for_s", s.for_s);
}

void fields(auto& visit, Is<ForwardSelector> auto& s) {
    visit("home", s.home);
    visit("listen", s.listen);
}

void fields(auto& visit, Is<SessionSelector> auto& s) {
    visit("session", s.session);
}

void fields(auto& visit, Is<StreamSelector> auto& s) {
    visit("home", s.home);
    visit("id", s.id);
}

void fields(auto& visit, Is<AddHome> auto& s) {
    visit("name", s.name);
    visit("key", s.key);
    visit("from", s.from);
}

void fields(auto& visit, Is<RemoveHome> auto& s) {
    visit("name", s.name);
}

void fields(auto& visit, Is<InvitedForward> auto& s) {
    visit("listen", s.listen);
    visit("to", s.to);
}

void fields(auto& visit, Is<AddInvitation> auto& s) {
    visit("home", s.home);
    visit("forwards", s.forwards);
    visit("expires_s", s.expires_s);
    visit("url", s.url);
}

void fields(auto& visit, Is<RemoveInvitation> auto& s) {
    visit("home", s.home);
}

void fields(auto& visit, Is<AddAllow> auto& s) {
    visit("target", s.target);
}

void fields(auto& visit, Is<ProbeSelector> auto& s) {
    visit("home", s.home);
    visit("forward", s.forward);
}

}  // namespace relay
