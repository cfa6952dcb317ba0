#include "ctl/watching/announcer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>

#include "common/control/json.h"
#include "ctl/output/units.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

std::string local_time() {
    const auto time = std::chrono::system_clock::to_time_t(wall_time());
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(time));
}

}  // namespace

Moment this_moment() {
    using namespace std::chrono;
    return {duration_cast<milliseconds>(wall_time().time_since_epoch()).count(), 0};
}

void Announcer::probed(const ProbeSnapshot& probe) const {
    if (form_ == Form::Json) return line(fmt::format("{{\"probe\":{}}}", to_json(probe)));
    auto text = probe.verdict;
    if (!probe.detail.empty()) text += ", " + probe.detail;
    const auto latency = probe.answer_ms ? probe.answer_ms : probe.connect_ms;
    if (probe.ok && latency) text += ", " + latency_text(latency);
    line(local_time() + " " + printable(text));
}

void Announcer::said(const std::string& kind, const std::string& text) const {
    if (form_ == Form::People) return line(local_time() + " " + printable(text));
    EventSnapshot event;
    event.at = this_moment();
    event.kind = kind;
    event.text = text;
    line(fmt::format("{{\"event\":{}}}", to_json(event)));
}

void Announcer::line(const std::string& text) {
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    if (::poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) return;
    const auto whole = text + "\n";
    // If it fails, the reader is gone: the loop sees that by itself.
    [[maybe_unused]] const auto size = ::write(STDOUT_FILENO, whole.data(), whole.size());
}

}  // namespace relay
