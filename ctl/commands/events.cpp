#include <fmt/format.h>

#include <cstdio>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const EventSnapshot& event) {
    std::string subject = home_and_relay(event);
    if (!event.forward.empty()) subject += (subject.empty() ? "" : " ") + event.forward;
    const auto time =
        fmt::format("{}.{:03}", local_time_text(event.at.unix_ms), event.at.unix_ms % 1000);
    fmt::print("{}  {:<18}{}{}\n", toned(time, Tone::Faint, call.colour), printable(event.kind),
               subject.empty() ? "" : printable(subject) + ": ", printable(event.text));
}

}  // namespace

ExitCode follow_events(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    auto client = Client::connect(call.control);
    if (!client) return say_fault(call, client.error());
    if (const auto following = client->ask("events.subscribe", "{}"); !following) {
        return say_fault(call, following.error());
    }
    while (true) {
        const auto json = client->next_event();
        if (!json) return say_fault(call, json.error());
        const auto event = from_json<EventSnapshot>(*json);
        if (!event) return say_not_understood(call, event.error());
        if (call.json) {
            print_out(*json + "\n");
        } else {
            show(call, *event);
        }
        std::fflush(stdout);  // Each event when it happens, into a pipe too.
    }
}

}  // namespace relay
