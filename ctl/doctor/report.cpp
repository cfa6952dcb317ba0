#include "ctl/doctor/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "ctl/output/units.h"

namespace relay {
namespace {

Tone tone_of(const CheckSnapshot& check) {
    if (check.state == "ok") return Tone::Good;
    return check.state == "skipped" ? Tone::Faint : Tone::Bad;
}

std::string line_of(const CheckSnapshot& check, Colour colour) {
    const auto state = toned(fmt::format("{:<8}", check.state), tone_of(check), colour);
    auto line = fmt::format("  {} {:<11} {}", state, printable(check.hop), printable(check.text));
    if (check.ms) line += ", " + latency_text(check.ms);
    line += "\n";
    if (!check.advice.empty()) {
        line += fmt::format("{:23}→ {}\n", "", printable(check.advice));
    }
    return line;
}

std::string summary(const std::vector<CheckSnapshot>& checks, Colour colour) {
    std::string broken;
    for (const auto& check : checks) {
        if (check.state != "broken") continue;
        if (!broken.empty()) broken += "; ";
        broken += check.hop;
        if (!check.subject.empty()) broken += fmt::format(" ({})", check.subject);
    }
    const auto warnings = std::ranges::count(checks, "warning", &CheckSnapshot::state);
    const auto worth = warnings == 0 ? std::string{} : fmt::format(", {} worth a look", warnings);
    if (broken.empty()) return toned("all is well" + worth, Tone::Good, colour) + "\n";
    return toned("broken: " + printable(broken) + worth, Tone::Bad, colour) + "\n";
}

}  // namespace

std::string report_text(const std::vector<CheckSnapshot>& checks, Colour colour) {
    std::string text, subject;
    for (const auto& check : checks) {
        if (check.subject != subject && !check.subject.empty()) {
            text += printable(check.subject) + "\n";
        }
        subject = check.subject;
        text += line_of(check, colour);
    }
    return text + "\n" + summary(checks, colour);
}

}  // namespace relay
