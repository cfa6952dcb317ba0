// One probe of one target: the local end of a stream on which a script talks instead of a visitor.
#pragma once

#include <functional>

#include "common/protocols/probe_script.h"
#include "daemon/io/timer.h"
#include "daemon/probes/probe_result.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

//     Connecting --connected--> Talking --verdict--> done
//
// A reset, and the end of patience, lead to done from either state.
class ProbeRun final : public StreamEnd {
public:
    // Once; never from within the constructor. May not destroy the driver.
    using OnDone = std::function<void(const ProbeResult&)>;

    // `driver` outlives the run.
    ProbeRun(Loop& loop, SessionDriver& driver, ProbeKind kind, OnDone on_done);
    // Once the stream's number is known.
    void start(StreamId stream) { stream_ = stream; }
    // The home is away: nothing can be said about the target.
    void home_left();

    void connected() override;
    void readable() override;
    void writable() override {}
    void finished() override;
    void closed() override;
    void reset(ResetReason reason) override;

private:
    void patience_ended();
    void done(Verdict verdict, std::string detail);

    SessionDriver& driver_;
    StreamId stream_{};
    ProbeScript script_;
    OnDone on_done_;
    TimePoint began_;
    std::optional<TimePoint> connected_at_;
    bool heard_ = false;  // The target has said something.
    bool done_ = false;
    std::optional<ResetReason> reset_;  // By which the home has answered.
    UvTimer patience_;
};

}  // namespace relay
