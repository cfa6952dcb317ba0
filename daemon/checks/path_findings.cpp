#include "daemon/checks/path_findings.h"

#include <fmt/format.h>

namespace relay {

namespace {

constexpr double slow_rtt_ms = 300;        // Typing begins to feel slow.
constexpr double many_sent_again = 0.02;   // Of the bytes.
constexpr std::uint64_t enough = 100'000;  // Bytes, to speak of a rate and of a share of them.

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::string rate_words(std::uint64_t bytes_per_second) {
    const double kilobytes = static_cast<double>(bytes_per_second) / 1000;
    if (kilobytes < 1000) return fmt::format("{:.0f} kB/s", kilobytes);
    return fmt::format("{:.1f} MB/s", kilobytes / 1000);
}

void add_round_trip(Checklist& checks, const SessionDriver::CarrierView& carrier) {
    if (!carrier.stats.rtt) return;
    const double rtt = milliseconds(*carrier.stats.rtt);
    std::string text = fmt::format("{:.1f} ms to {}", rtt, carrier.info.peer_address);
    if (carrier.path) {
        text += fmt::format(", {:.1f} ms at best", milliseconds(carrier.path->least_rtt));
    }
    if (rtt > slow_rtt_ms) {
        checks.warning("round-trip", text,
                       "a desktop will feel slow: is something else filling the line at home?");
    } else {
        checks.ok("round-trip", text, *carrier.stats.rtt);
    }
}

void add_throughput(Checklist& checks, const SessionDriver::CarrierView& carrier) {
    if (!carrier.path) return;
    const PathFigures& path = *carrier.path;
    if (path.delivery_rate == 0 || path.bytes_sent < enough) {
        checks.skipped("throughput",
                       fmt::format("only {} kB were sent to {} on this connection",
                                   path.bytes_sent / 1000, carrier.info.peer_address));
        return;
    }
    const double again =
        static_cast<double>(path.bytes_sent_again) / static_cast<double>(path.bytes_sent);
    const std::string text =
        fmt::format("{}{} to {}, as the kernel last measured; {:.1f} % of {} kB sent again",
                    path.is_limited_by_us ? "at least " : "", rate_words(path.delivery_rate),
                    carrier.info.peer_address, again * 100, path.bytes_sent / 1000);
    if (again > many_sent_again) {
        checks.warning("throughput", text,
                       "the line loses packets: try a cable instead of Wi-Fi, or another provider");
    } else {
        checks.ok("throughput", text);
    }
}

}  // namespace

void add_path_findings(Checklist& checks, const SessionDriver& driver) {
    for (const auto& carrier : driver.carriers()) {
        add_round_trip(checks, carrier);
        add_throughput(checks, carrier);
    }
}

std::string age_words(double seconds) {
    if (seconds < 60) return fmt::format("{:.0f} s", seconds);
    if (seconds < 3600) return fmt::format("{:.0f} min", seconds / 60);
    if (seconds < 86'400) return fmt::format("{:.0f} h", seconds / 3600);
    return fmt::format("{:.0f} d", seconds / 86'400);
}

}  // namespace relay
