// How a probe's outcome stands in a table.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "common/control/snapshot.h"
#include "ctl/output/table.h"
#include "ctl/output/units.h"

namespace relay {

// "ok, 12 ms, 7 s ago"
inline std::string probe_text(const std::optional<ProbeSnapshot>& probe) {
    if (!probe) return "not probed";
    const auto age = age_text(probe->at.distance_s);
    // A target that need not say anything has been reached: that is its latency.
    const auto latency = probe->answer_ms || !probe->ok ? probe->answer_ms : probe->connect_ms;
    if (!latency) return fmt::format("{}, {} ago", probe->verdict, age);
    return fmt::format("{}, {}, {} ago", probe->verdict, latency_text(latency), age);
}

inline Tone probe_tone(const std::optional<ProbeSnapshot>& probe) {
    if (!probe) return Tone::Faint;
    return probe->ok ? Tone::Good : Tone::Bad;
}

}  // namespace relay
