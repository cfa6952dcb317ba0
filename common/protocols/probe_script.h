// What to say to a target and what it must answer, to tell a server of a protocol from an open
// port. Without sockets: the prober connects, feeds in what comes, and reports the ends it sees.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/probe_kind.h"
#include "common/base/time.h"
#include "common/protocols/verdict.h"

namespace relay {

constexpr std::size_t max_probe_answer = 4096;  // Bytes; whatever needs more is the wrong protocol.
constexpr std::size_t max_probe_detail = 120;   // Bytes.

// The probe that fits the service usually found on `port`: never Auto, never None.
ProbeKind kind_for_port(std::uint16_t port);

// What an RDP server is offered: whatever it may want, or TLS without NLA, to see whether it
// insists.
enum class RdpSecurity { Any, WithoutNla };

// One probe of one target, from the moment it is connected. Its verdict is the same however the
// answer is cut into pieces. Once there is a verdict, it stays, whatever comes after.
class ProbeScript {
public:
    // Neither None nor Auto.
    explicit ProbeScript(ProbeKind kind, RdpSecurity rdp = RdpSecurity::Any);

    // To send at once. Empty where the server speaks first. Lives as long as the program.
    Bytes to_send() const;
    // How long after connecting to call timed_out() if no verdict has come by then.
    Duration patience() const;

    // No verdict yet: there may be more to come. With a verdict, close the connection.
    std::optional<Verdict> received(Bytes bytes);
    // The target closed or reset the connection.
    Verdict ended();
    Verdict timed_out();

    // What was seen, for people: "SSH-2.0-OpenSSH_9.2p1", "RDP, NLA required (…)". Printable ASCII,
    // at most max_probe_detail. Empty before the verdict, and where there is nothing to add to it.
    const std::string& detail() const { return detail_; }

private:
    Verdict decide(Verdict verdict, std::string_view detail);

    ProbeKind kind_;
    RdpSecurity rdp_;
    ByteVector heard_;
    std::optional<Verdict> verdict_;
    std::string detail_;
};

inline ProbeScript make_probe(ProbeKind kind) {
    return ProbeScript{kind};
}

}  // namespace relay
