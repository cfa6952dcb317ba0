#include "daemon/probes/probe_run.h"

#include <algorithm>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

// The home gives up on a target before (connect-timeout): this is for a tunnel that hangs.
constexpr Duration connect_most = std::chrono::seconds(20);

}  // namespace

ProbeRun::ProbeRun(Loop& loop, SessionDriver& driver, ProbeKind kind, OnDone on_done)
    : driver_(driver),
      script_(kind),
      on_done_(std::move(on_done)),
      began_(now()),
      patience_(loop, [this] { patience_ended(); }) {
    patience_.arm(connect_most);
}

void ProbeRun::connected() {
    if (done_ || connected_at_) return;
    connected_at_ = now();
    patience_.arm(script_.patience());
    const Bytes request = script_.to_send();
    const auto space = driver_.session().write_space(stream_);
    const std::size_t size = std::min(request.size(), space[0].size());
    std::copy_n(request.begin(), size, space[0].begin());
    driver_.session().wrote(stream_, size);
}

void ProbeRun::readable() {
    while (!done_) {
        const Bytes heard = driver_.session().read_data(stream_)[0];
        if (heard.empty()) return;
        heard_ = true;
        const auto verdict = script_.received(heard);
        driver_.session().consumed(stream_, heard.size(), now());
        if (verdict) done(*verdict, script_.detail());
    }
}

void ProbeRun::finished() {
    if (done_) return;
    const Verdict verdict = script_.ended();
    done(verdict, script_.detail());
}

void ProbeRun::closed() {
    finished();
}

void ProbeRun::reset(ResetReason reason) {
    if (done_) return;
    if (reason == ResetReason::PeerReset && connected_at_) {
        finished();
    } else if (reason == ResetReason::SessionEnded) {
        done(Verdict::NoHome, "the session ended meanwhile");
    } else {
        reset_ = reason;
        done(Verdict::Refused, std::string(name_of(reason)));
    }
}

void ProbeRun::home_left() {
    if (!done_) done(Verdict::NoHome, "the home left meanwhile");
}

void ProbeRun::patience_ended() {
    if (done_) return;
    if (connected_at_) {
        const Verdict verdict = script_.timed_out();
        done(verdict, script_.detail());
    } else {
        done(Verdict::Silent, "nothing came back through the tunnel");
    }
}

// Leads to the destruction of this, sooner or later: nothing may follow.
void ProbeRun::done(Verdict verdict, std::string detail) {
    done_ = true;
    patience_.disarm();
    ProbeResult result{
        .verdict = verdict, .detail = std::move(detail), .at = now(), .reset = reset_};
    if (connected_at_) {
        result.connect = *connected_at_ - began_;
        if (heard_) result.answer = result.at - *connected_at_;
    }
    on_done_(result);
    driver_.reset(stream_, ResetReason::ClosedByOperator);
}

}  // namespace relay
