// The names of all fields in JSON of what callers ask for, as fields.h has those of what they are
// told.
#pragma once

#include "common/control/fields.h"
#include "common/control/request.h"
#include "common/control/watch.h"

namespace relay {

void fields(auto& visit, Is<WatchRegister> auto& s) {
    visit("port", s.port);
    visit("address", s.address);
    visit("probe", s.probe);
    visit("client", s.client);
    visit("pid", s.pid);
    visit("age_s", s.age_s);
}

void fields(auto& visit, Is<WatchRegistered> auto& s) {
    visit("home", s.home);
    visit("session", s.session);
    visit("state", s.state);
    visit("replaced", s.replaced);
}

void fields(auto& visit, Is<WatchReport> auto& s) {
    visit("probe", s.probe);
    visit("streams", s.streams);
    visit("bytes_in", s.bytes_in);
    visit("bytes_out", s.bytes_out);
    visit("rtt_ms", s.rtt_ms);
}

void fields(auto& visit, Is<WatchRelease> auto& s) {
    visit("port", s.port);
    visit("address", s.address);
}

void fields(auto& visit, Is<WatchReleased> auto& s) {
    visit("replaced", s.replaced);
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
    visit("proxy_protocol", s.proxy_protocol);
    visit("protocol", s.protocol);
    visit("data_ports", s.data_ports);
    visit("ftp_tls", s.ftp_tls);
    visit("mode", s.mode);
    visit("group", s.group);
    visit("gate", s.gate);
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
    visit("relay", s.relay);
}

void fields(auto& visit, Is<AddHome> auto& s) {
    visit("name", s.name);
    visit("key", s.key);
    visit("from", s.from);
    visit("may_listen", s.may_listen);
    visit("may_reach", s.may_reach);
}

void fields(auto& visit, Is<RemoveHome> auto& s) {
    visit("name", s.name);
}

void fields(auto& visit, Is<AddVisitor> auto& s) {
    visit("name", s.name);
    visit("key", s.key);
    visit("from", s.from);
    visit("may_reach", s.may_reach);
}

void fields(auto& visit, Is<RemoveVisitor> auto& s) {
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

void fields(auto& visit, Is<AskPing> auto& s) {
    visit("session", s.session);
    visit("timeout_s", s.timeout_s);
}

void fields(auto& visit, Is<StartBench> auto& s) {
    visit("session", s.session);
    visit("direction", s.direction);
    visit("for_s", s.for_s);
    visit("bytes", s.bytes);
}

void fields(auto& visit, Is<BenchSelector> auto& s) {
    visit("id", s.id);
}

void fields(auto& visit, Is<ReleaseSource> auto& s) {
    visit("address", s.address);
}

void fields(auto& visit, Is<ProbeSelector> auto& s) {
    visit("home", s.home);
    visit("forward", s.forward);
}

void fields(auto& visit, Is<DoctorSelector> auto& s) {
    visit("home", s.home);
    visit("port", s.port);
}

}  // namespace relay
