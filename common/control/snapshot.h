// What relayd tells about itself, as plain values: daemon/roles fills them in, relayctl shows them,
// and docs/CONTROL.md describes their JSON (json.h). Text that is empty means "none" and is left
// out of the JSON, as is an empty optional. Every list is a copy of one instant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace relay {

// A point in time as people read it. It may be in the future (when a forward expires).
struct Moment {
    std::int64_t unix_ms = 0;  // Milliseconds since 1970-01-01 UTC, leap seconds ignored.
    double distance_s = 0;     // How long ago it was, or how long until it comes; never negative.
};

// When it is `now`, which the wall calls `now_unix_ms`, this is how people name `then`.
inline Moment moment_of(TimePoint then, TimePoint now, std::int64_t now_unix_ms) {
    using namespace std::chrono;
    const auto ago = now - then;
    const auto distance = duration<double>(ago < Duration::zero() ? -ago : ago);
    return {now_unix_ms - duration_cast<milliseconds>(ago).count(), distance.count()};
}

struct ProbeSnapshot {
    std::string home = {};
    std::string forward = {};  // Where the forward listens, ADDRESS:PORT.
    std::string target = {};   // HOST:PORT as the home sees it.
    std::string kind = {};     // tcp, rdp, ssh, http, tls, ftp, vnc
    std::string verdict = {};  // ok, refused, closed, silent, wrong protocol, no home
    bool ok = false;
    std::string detail = {};                // One sentence for people: what came instead.
    std::optional<double> connect_ms = {};  // Until the target was reached through the tunnel.
    std::optional<double> answer_ms = {};   // From then until it answered; the latency shown.
    Moment at = {};
};

// One step on the way from a visitor to a target, and how it is. docs/CONTROL.md lists the hops.
struct CheckSnapshot {
    std::string hop = {};      // dns, tcp, proxy, tls, identity, key, session, listener …
    std::string state = {};    // ok, warning, broken, skipped
    std::string subject = {};  // Whose: an endpoint, a home, a forward's listener, a target.
    std::string text = {};     // What was seen. One sentence for people.
    std::string advice = {};   // What to do about it: the command or the setting.
    std::optional<double> ms = {};
};

// What the process takes of the machine. Handles are what its event loop watches or may watch:
// neither these nor descriptors or timers may grow while streams come and go.
struct ResourcesSnapshot {
    std::uint64_t memory_bytes = 0;         // Resident.
    std::uint64_t stream_memory_bytes = 0;  // Of streams: their records, and bytes on their way.
    std::uint64_t descriptors = 0;
    std::uint64_t descriptors_most = 0;  // The limit.
    std::uint64_t timers = 0;
    std::uint64_t handles = 0;  // Timers included.
};

struct StatusSnapshot {
    std::string version = {};
    std::string role = {};  // relay, home, visitor
    std::int64_t pid = 0;
    Moment started = {};
    std::string identity = {};             // Fingerprint of our own key, SHA256:…
    std::string home = {};                 // Our name, on a home.
    std::vector<std::string> listen = {};  // Where homes dial in, on a relay: wss://0.0.0.0:443
    std::string public_url = {};           // Where homes reach a relay, if its settings say so.
    std::vector<std::string> relays = {};  // Whom we dial, on a home.
    std::vector<std::string> roads = {};   // By which our carriers got there: "wss, direct".
    std::string log_level = {};            // debug, info, warning, error
    std::string config = {};               // The file we were configured by, absolute.
    std::uint64_t homes_known = 0;
    std::uint64_t sessions = 0;  // With at least one carrier: attached.
    std::uint64_t sessions_detached = 0;
    std::uint64_t streams = 0;
    std::uint64_t forwards = 0;
    ResourcesSnapshot resources = {};
    // What an operator should look at, a sentence each: a forward that cannot listen, a relay that
    // is not reached. Empty means healthy.
    std::vector<std::string> problems = {};
};

struct CarrierSnapshot {
    std::string kind = {};     // wss, ws, tls, poll, ssh
    std::string address = {};  // ADDRESS:PORT of the other end.
    Moment since = {};
    std::optional<double> rtt_ms = {};
    std::uint64_t bytes_in = 0;  // Payload from the other end.
    std::uint64_t bytes_out = 0;
    std::uint64_t slot = 0;  // Of the carriers of one session, each has another: 0 to 7.
    // How it gets there: direct, or the proxy's URL. Only of those that were dialled here.
    std::string road = {};
};

struct SessionForwardSnapshot {
    std::string listen = {};
    std::string target = {};
    std::optional<ProbeSnapshot> probe = {};  // The last one.
};

struct SessionSnapshot {
    std::string kind = "home";  // Whose it is: home, visitor.
    std::string home = {};
    std::string relay = {};    // With which of several relays, by its name; on a home.
    std::string visitor = {};  // Its name, of a visitor's.
    std::string id = {};       // Hexadecimal.
    std::string state = {};    // attached: has a carrier; detached: waits for the home to come back
    std::string address = {};  // Of the carrier in use, or of the last one there was.
    Moment since = {};         // Since the session began, whatever carriers came and went.
    std::vector<CarrierSnapshot> carriers = {};
    std::optional<double> rtt_ms = {};
    std::uint64_t streams = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::vector<SessionForwardSnapshot> forwards = {};
};

struct StreamSnapshot {
    std::uint64_t id = 0;  // Unique within its session.
    std::string home = {};
    std::string relay = {};  // As SessionSnapshot's.
    std::string session = {};
    std::string listen = {};  // The forward it came by.
    std::string target = {};
    std::string visitor = {};  // ADDRESS:PORT, or the name of one that dialled in; on a relay.
    std::string state = {};    // opening, open, visitor-done, target-done, closing
    Moment since = {};
    std::uint64_t bytes_in = 0;   // From the home's side to the visitor.
    std::uint64_t bytes_out = 0;  // From the visitor to the home's side.
    std::uint64_t buffered_bytes = 0;
    bool end_to_end = false;    // Sealed by visitor and home: a relay sees ciphertext.
    std::string peer_key = {};  // SHA256:… of whoever sealed it at the other end; not on a relay.
};

struct ForwardSnapshot {
    std::string home = {};
    std::string relay = {};   // As SessionSnapshot's.
    std::string listen = {};  // ADDRESS:PORT
    std::string target = {};  // HOST:PORT
    std::string probe_kind = {};
    double grace_s = 0;
    // config, runtime (survives a restart), temporary (does not), home (asked for by the home).
    std::string origin = {};
    std::optional<Moment> expires = {};
    bool listening = false;
    std::string error = {};   // Why it does not listen.
    std::string denied = {};  // Why the relay does not let the home have it.
    std::string gate = {};    // That it is behind.
    bool proxy_protocol = false;
    std::string protocol = {};  // ftp, or empty.
    std::string data_ports = {};
    std::string ftp_tls = {};  // pass or refuse, of ftp.
    std::optional<ProbeSnapshot> probe = {};
    std::uint64_t streams = 0;
    std::uint64_t streams_total = 0;
    std::uint64_t refused = 0;  // Visitors turned away: no home in time, limits, the home's allow.
};

// What a home or a visitor may take of the relay, and when.
struct PolicySnapshot {
    std::optional<std::uint64_t> streams_most = {};
    std::optional<std::uint64_t> rate_bytes_per_s = {};  // Each way.
    std::vector<std::string> hours = {};                 // Mo-Fr 08:00-18:00; none: always.
    std::vector<std::string> targets = {};               // Of a home's forwards; none: any.
    std::string closed = {};                             // Why no session or stream may begin now.
};

struct HomeSnapshot {
    std::string name = {};
    std::vector<std::string> fingerprints = {};  // SHA256:…
    std::vector<std::string> from = {};          // Networks it may dial in from; none: any.
    std::string origin = {};                     // config, runtime
    bool online = false;
    std::optional<Moment> since = {};  // Online or away since then; none: never seen.
    std::uint64_t forwards = 0;
    std::optional<PolicySnapshot> policy = {};
    std::vector<std::string> may_listen = {};  // ADDRESS:PORTS that it may ask for.
    std::vector<std::string> may_reach = {};   // As a visitor's.
};

struct VisitorSnapshot {
    std::string name = {};
    std::vector<std::string> fingerprints = {};  // SHA256:…
    std::vector<std::string> from = {};          // Networks it may dial in from; none: any.
    std::vector<std::string> may_reach = {};     // HOME:PORT, HOME:FIRST-LAST, HOME:*
    std::string origin = {};                     // config, runtime
    bool online = false;
    std::optional<Moment> since = {};  // Of its last coming or going; none: never seen.
    std::uint64_t sessions = 0;
    std::optional<PolicySnapshot> policy = {};
};

struct InvitedForwardSnapshot {
    std::string listen = {};  // ADDRESS:PORT, or a range of ports.
    std::string target = {};
};

struct InvitationSnapshot {
    std::string home = {};
    Moment created = {};
    Moment expires = {};
    std::vector<InvitedForwardSnapshot> forwards = {};
    // Only of one that was just made.
    std::string token = {};
    std::string url = {};      // Where the home will dial.
    std::string command = {};  // What to run at the home.
    std::vector<std::string> notes = {};
};

// One entry of a home's allow list.
struct AllowSnapshot {
    std::string target = {};  // 127.0.0.1:3389, 192.168.1.0/24:22
    std::string origin = {};  // config, runtime
};

// Where visitors come from.
struct GuardedSnapshot {
    std::string source = {};  // An address, or a /64.
    bool refused = false;
    std::string why = {};                 // Of one that is or was refused.
    std::optional<Moment> until = {};     // When a refused one may come again.
    std::optional<Moment> last = {};      // When it came last.
    std::uint64_t connections = 0;        // Those refused included.
    std::uint64_t brief_connections = 0;  // That ended within seconds.
    std::uint64_t refused_connections = 0;
};

// One ping through a carrier, and what came of it.
struct PingSnapshot {
    std::string home = {};     // Whose session, on a relay;
    std::string visitor = {};  // or this one's.
    std::string session = {};
    std::string carrier = {};  // wss, ws, tls, poll
    std::string address = {};  // Of its other end.
    std::optional<double> rtt_ms = {};
    std::string lost = {};  // Why there is no answer.
    Moment at = {};         // When it was sent.
};

// A measurement of how much a session carries, as it is now.
struct BenchSnapshot {
    std::uint64_t id = 0;
    std::string home = {};
    std::string visitor = {};
    std::string session = {};
    std::string direction = {};  // down: to the home or visitor; up: from it.
    std::string state = {};      // running, done, failed
    std::uint64_t bytes = 0;     // That have arrived.
    double elapsed_s = 0;        // From the first byte that could be sent.
    std::uint64_t bytes_per_s = 0;
    std::string text = {};  // Why it failed, or ended early.
};

struct ReloadSnapshot {
    std::vector<std::string>
        changes;  // What was changed, a line each: "forward 127.0.0.1:22 added"
    std::vector<std::string> needs_restart = {};  // Changed in the file, and kept as it was.
};

struct EventSnapshot {
    Moment at = {};
    std::string kind =
        {};  // home-online, carrier-lost, stream-opened …: docs/CONTROL.md lists them.
    std::string home = {};
    std::string visitor = {};  // One that dials in.
    std::string session = {};
    std::string forward = {};
    std::string text = {};     // One sentence for people.
    std::string address = {};  // ADDRESS:PORT of a home that comes.
    std::string verdict = {};  // Of a probe, as in ProbeSnapshot.
    std::string relay = {};    // As SessionSnapshot's.
};

}  // namespace relay
