// The names of all fields in JSON, once for both directions: fields(visit, value) calls
// visit("name", value.member) for each. docs/CONTROL.md describes them.
#pragma once

#include <concepts>
#include <type_traits>

#include "common/control/reply.h"
#include "common/control/snapshot.h"
#include "common/control/stale.h"

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

void fields(auto& visit, Is<CheckSnapshot> auto& s) {
    visit("hop", s.hop);
    visit("state", s.state);
    visit("subject", s.subject);
    visit("text", s.text);
    visit("advice", s.advice);
    visit("ms", s.ms);
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
    visit("public", s.public_url);
    visit("relays", s.relays);
    visit("roads", s.roads);
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
    visit("road", s.road);
}

void fields(auto& visit, Is<SessionForwardSnapshot> auto& s) {
    visit("listen", s.listen);
    visit("target", s.target);
    visit("probe", s.probe);
}

void fields(auto& visit, Is<SessionSnapshot> auto& s) {
    visit("kind", s.kind);
    visit("home", s.home);
    visit("relay", s.relay);
    visit("visitor", s.visitor);
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
    visit("relay", s.relay);
    visit("session", s.session);
    visit("listen", s.listen);
    visit("target", s.target);
    visit("visitor", s.visitor);
    visit("state", s.state);
    visit("since", s.since);
    visit("bytes_in", s.bytes_in);
    visit("bytes_out", s.bytes_out);
    visit("buffered_bytes", s.buffered_bytes);
    visit("end_to_end", s.end_to_end);
    visit("peer_key", s.peer_key);
}

void fields(auto& visit, Is<ForwardSnapshot> auto& s) {
    visit("home", s.home);
    visit("relay", s.relay);
    visit("listen", s.listen);
    visit("target", s.target);
    visit("probe_kind", s.probe_kind);
    visit("grace_s", s.grace_s);
    visit("origin", s.origin);
    visit("expires", s.expires);
    visit("listening", s.listening);
    visit("error", s.error);
    visit("denied", s.denied);
    visit("gate", s.gate);
    visit("proxy_protocol", s.proxy_protocol);
    visit("protocol", s.protocol);
    visit("data_ports", s.data_ports);
    visit("ftp_tls", s.ftp_tls);
    visit("probe", s.probe);
    visit("streams", s.streams);
    visit("streams_total", s.streams_total);
    visit("refused", s.refused);
}

void fields(auto& visit, Is<PolicySnapshot> auto& s) {
    visit("streams_most", s.streams_most);
    visit("rate_bytes_per_s", s.rate_bytes_per_s);
    visit("hours", s.hours);
    visit("targets", s.targets);
    visit("closed", s.closed);
}

void fields(auto& visit, Is<HomeSnapshot> auto& s) {
    visit("name", s.name);
    visit("fingerprints", s.fingerprints);
    visit("from", s.from);
    visit("origin", s.origin);
    visit("online", s.online);
    visit("since", s.since);
    visit("forwards", s.forwards);
    visit("policy", s.policy);
    visit("may_listen", s.may_listen);
    visit("may_reach", s.may_reach);
}

void fields(auto& visit, Is<VisitorSnapshot> auto& s) {
    visit("name", s.name);
    visit("fingerprints", s.fingerprints);
    visit("from", s.from);
    visit("may_reach", s.may_reach);
    visit("origin", s.origin);
    visit("online", s.online);
    visit("since", s.since);
    visit("sessions", s.sessions);
    visit("policy", s.policy);
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

void fields(auto& visit, Is<GuardedSnapshot> auto& s) {
    visit("source", s.source);
    visit("refused", s.refused);
    visit("why", s.why);
    visit("until", s.until);
    visit("last", s.last);
    visit("connections", s.connections);
    visit("brief_connections", s.brief_connections);
    visit("refused_connections", s.refused_connections);
}

void fields(auto& visit, Is<PingSnapshot> auto& s) {
    visit("home", s.home);
    visit("visitor", s.visitor);
    visit("session", s.session);
    visit("carrier", s.carrier);
    visit("address", s.address);
    visit("rtt_ms", s.rtt_ms);
    visit("lost", s.lost);
    visit("at", s.at);
}

void fields(auto& visit, Is<BenchSnapshot> auto& s) {
    visit("id", s.id);
    visit("home", s.home);
    visit("visitor", s.visitor);
    visit("session", s.session);
    visit("direction", s.direction);
    visit("state", s.state);
    visit("bytes", s.bytes);
    visit("elapsed_s", s.elapsed_s);
    visit("bytes_per_s", s.bytes_per_s);
    visit("text", s.text);
}

void fields(auto& visit, Is<ReloadSnapshot> auto& s) {
    visit("changes", s.changes);
    visit("needs_restart", s.needs_restart);
}

void fields(auto& visit, Is<EventSnapshot> auto& s) {
    visit("at", s.at);
    visit("kind", s.kind);
    visit("home", s.home);
    visit("relay", s.relay);
    visit("visitor", s.visitor);
    visit("session", s.session);
    visit("forward", s.forward);
    visit("address", s.address);
    visit("verdict", s.verdict);
    visit("text", s.text);
}

void fields(auto& visit, Is<HolderSnapshot> auto& s) {
    visit("pid", s.pid);
    visit("user", s.user);
    visit("command", s.command);
    visit("since", s.since);
    visit("client", s.client);
    visit("login", s.login);
}

void fields(auto& visit, Is<StaleSnapshot> auto& s) {
    visit("listen", s.listen);
    visit("wanted_by", s.wanted_by);
    visit("user", s.user);
    visit("holders", s.holders);
    visit("unseen", s.unseen);
    visit("probe", s.probe);
    visit("alive", s.alive);
}

void fields(auto& visit, Is<StaleList> auto& s) {
    visit("stale", s.stale);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<StaleKill> auto& s) {
    visit("stale", s.stale);
    visit("ended", s.ended);
    visit("free", s.free);
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

void fields(auto& visit, Is<VisitorList> auto& s) {
    visit("visitors", s.visitors);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<InvitationList> auto& s) {
    visit("invitations", s.invitations);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<AllowList> auto& s) {
    visit("allow", s.allow);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<GuardedList> auto& s) {
    visit("sources", s.sources);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<ProbeList> auto& s) {
    visit("probes", s.probes);
    visit("left_off", s.left_off);
}

void fields(auto& visit, Is<CheckList> auto& s) {
    visit("checks", s.checks);
    visit("left_off", s.left_off);
}

}  // namespace relay
