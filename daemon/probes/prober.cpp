#include "daemon/probes/prober.h"

#include <algorithm>

#include "daemon/io/system_clock.h"

namespace relay {

Prober::Prober(Loop& loop, ProberUser& user, Random& random, Options options)
    : loop_(loop),
      user_(user),
      random_(random),
      options_(options),
      timer_(loop, [this] { work(); }),
      again_(loop, [this] { work(); }) {}

void Prober::add(ForwardId forward, const ForwardSettings& settings) {
    ProbeKind kind = settings.probe;
    if (kind == ProbeKind::Auto) kind = kind_for_port(settings.target.port);
    Entry entry{.target = settings.target, .kind = kind, .due = now()};
    if (settings.proxy_protocol) entry.listener = to_text(settings.listen);
    entries_[forward] = std::move(entry);
    again_.schedule();
}

void Prober::remove(ForwardId forward) {
    const auto found = entries_.find(forward);
    if (found == entries_.end()) return;
    const auto waiting = std::move(found->second.waiting);
    if (found->second.running) --running_;
    entries_.erase(found);
    const ProbeResult gone{.detail = "the forward was removed", .at = now()};
    for (const OnResult& on_result : waiting) on_result(gone);
}

void Prober::set(Options options) {
    options_ = options;
    again_.schedule();
}

void Prober::session_came() {
    for (auto& [forward, entry] : entries_) entry.due = now();
    again_.schedule();
}

void Prober::session_left() {
    std::vector<ProbeRun*> runs;
    for (auto& [forward, entry] : entries_) {
        entry.failures = 0;
        if (entry.run != nullptr) runs.push_back(entry.run);
    }
    for (ProbeRun* run : runs) run->home_left();
}

void Prober::probe_now(ForwardId forward, OnResult on_result) {
    const auto found = entries_.find(forward);
    if (found == entries_.end()) {
        on_result({.detail = "no such forward", .at = now()});
        return;
    }
    found->second.waiting.push_back(std::move(on_result));
    again_.schedule();
}

const ProbeResult* Prober::last(ForwardId forward) const {
    const auto found = entries_.find(forward);
    if (found == entries_.end() || !found->second.last) return nullptr;
    return &*found->second.last;
}

// Begins what is due, as far as there is room, and arms the timer for the rest.
void Prober::work() {
    const TimePoint time = now();
    const bool by_itself = options_.interval > Duration::zero();
    std::optional<TimePoint> next;
    std::vector<ForwardId> due;
    for (auto& [forward, entry] : entries_) {
        if (entry.running) continue;
        const bool periodic = by_itself && entry.kind != ProbeKind::None;
        if (!entry.waiting.empty() || (periodic && entry.due <= time)) {
            due.push_back(forward);
        } else if (periodic) {
            next = earlier(next, entry.due);
        }
    }
    for (const ForwardId forward : due) {
        if (running_ >= at_once_most) break;  // The end of one of them comes back here.
        const auto found = entries_.find(forward);
        if (found != entries_.end()) begin(forward, found->second);
    }
    if (next) timer_.arm_at(*next);
}

// From three quarters of the interval to five.
TimePoint Prober::next_due() const {
    const Duration interval = std::max(options_.interval, Duration(std::chrono::seconds(1)));
    const auto half = static_cast<std::uint64_t>(interval.count()) / 2;
    return now() + interval * 3 / 4 + Duration{static_cast<Duration::rep>(random_.u64() % half)};
}

void Prober::begin(ForwardId forward, Entry& entry) {
    entry.running = true;
    ++running_;
    // Whoever asks for a probe puts off none.
    if (entry.waiting.empty()) entry.due = next_due();
    SessionDriver* driver = user_.session_for_probe();
    if (driver == nullptr) {
        ended(forward, {.at = now()});
        return;
    }
    const ProbeKind kind = entry.kind == ProbeKind::None ? ProbeKind::Tcp : entry.kind;
    auto run = std::make_unique<ProbeRun>(
        loop_, *driver, kind,
        [this, forward](const ProbeResult& result) { ended(forward, result); });
    ProbeRun& started = *run;
    const auto stream = driver->open(
        {entry.target.host, entry.target.port, "probe", entry.listener}, std::move(run));
    if (!stream) {
        ended(forward, {.verdict = Verdict::Silent, .detail = stream.error().text, .at = now()});
        return;
    }
    started.start(*stream);
    entry.run = &started;
    driver->settle();
}

void Prober::ended(ForwardId forward, const ProbeResult& result) {
    const auto found = entries_.find(forward);
    if (found == entries_.end() || !found->second.running) return;
    Entry& entry = found->second;
    entry.running = false;
    entry.run = nullptr;
    --running_;
    entry.last = result;
    const auto waiting = std::move(entry.waiting);
    entry.waiting.clear();
    // Somebody who looks again and again is no reason to renew anything.
    if (result.verdict == Verdict::Ok) {
        entry.failures = 0;
    } else if (waiting.empty()) {
        ++entry.failures;
    }
    const unsigned failures = waiting.empty() ? entry.failures : 0;
    again_.schedule();
    user_.probed(forward, result);
    for (const OnResult& on_result : waiting) on_result(result);
    if (failures > 0 && renewal_.should_renew(result.verdict, failures, options_.failures, now())) {
        user_.carriers_need_renewal(forward, failures);
    }
}

}  // namespace relay
