// One probe of one service by a connection of its own, not through any tunnel: of a target beside
// the home, or of a forward's listener as a visitor sees it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/protocols/probe_script.h"
#include "daemon/forwards/target_dialer.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"

namespace relay {

class DirectProbe {
public:
    struct Options {
        HostPort target;
        ProbeKind kind = ProbeKind::Tcp;  // Neither Auto nor None.
        RdpSecurity rdp = RdpSecurity::Any;
        Duration connect_timeout = std::chrono::seconds(10);
    };
    struct Outcome {
        std::optional<TargetDialer::Failure> failure;  // Without it, the service was reached.
        Verdict verdict = Verdict::Ok;
        std::string detail;
        Duration connect{};
        std::optional<Duration> answer;
    };
    // Once, never from within the constructor; may destroy the probe.
    using OnDone = std::function<void(Outcome)>;

    // `loop` outlives it. The connection stays open until this is destroyed.
    DirectProbe(Loop& loop, const Options& options, OnDone on_done);
    DirectProbe(const DirectProbe&) = delete;
    DirectProbe& operator=(const DirectProbe&) = delete;

private:
    void dialled(std::variant<UniqueFd, TargetDialer::Failure> result);
    void ready();
    void finish(Verdict verdict);
    void finish(Outcome outcome);

    Loop& loop_;
    ProbeScript script_;
    OnDone on_done_;
    TimePoint began_;
    std::optional<TimePoint> connected_at_;
    bool heard_ = false;
    bool done_ = false;
    UvTimer patience_;
    std::unique_ptr<TargetDialer> dialer_;
    std::unique_ptr<Poll> socket_;
};

}  // namespace relay
