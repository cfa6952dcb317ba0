// A probe of a port of this machine, or of any other address, by our own right: no relayd takes
// part. For whoever polls for more than this; the daemon's probes go through a session instead.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/base/ip_address.h"
#include "common/base/probe_kind.h"
#include "common/base/time.h"
#include "common/protocols/probe_script.h"
#include "daemon/io/unique_fd.h"

namespace relay {

struct ProbedAddress {
    IpAddress address;
    std::uint16_t port = 0;
};

struct LocalProbeResult {
    Verdict verdict = Verdict::Refused;
    std::string detail{};               // For people; may be empty.
    std::optional<Duration> connect{};  // Until the connection stood.
    std::optional<Duration> answer{};   // From then until its answer, if it has said anything.
};

//     Connecting --writable--> Talking --verdict--> done
//
// What goes wrong, and the end of patience, lead to done from either state.
class LocalProbe {
public:
    // Begins to connect. Auto: by the port. None counts as Tcp: whoever asks wants to know.
    LocalProbe(const ProbedAddress& target, ProbeKind kind);

    // For poll(2): what to wait for, until when. -1 once there is a result.
    int fd() const { return socket_.get(); }
    short wanted() const;  // POLLIN, POLLOUT
    TimePoint deadline() const { return deadline_; }
    // Call when the descriptor is ready, or the deadline has come; harmless at other times.
    void proceed();

    const std::optional<LocalProbeResult>& result() const { return result_; }

private:
    void begin(const ProbedAddress& target);
    void connected();
    void send_some();
    void read_some();
    void done(Verdict verdict, std::string detail);

    ProbeScript script_;
    UniqueFd socket_;
    TimePoint began_;
    TimePoint deadline_;
    std::optional<TimePoint> connected_at_;
    bool heard_ = false;  // The target has said something.
    Bytes unsent_{};
    std::optional<LocalProbeResult> result_;
};

// Waits until all of them have their results.
void finish_probes(std::span<LocalProbe> probes);
LocalProbeResult probe_now(const ProbedAddress& target, ProbeKind kind);

}  // namespace relay
