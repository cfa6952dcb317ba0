#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/measuring/interruption.h"
#include "ctl/measuring/round_trips.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

using Answer = Result<PingSnapshot, ClientFault>;

Answer ping_once(const Call& call, const AskPing& request,
                 const std::atomic<bool>& is_interrupted) {
    auto client = Client::connect(call.control);
    if (!client) return client.error();
    client->heed(is_interrupted);
    const auto answer = client->ask("ping", to_json(request));
    if (!answer) return answer.error();
    auto ping = from_json<PingSnapshot>(*answer);
    if (!ping) return ClientFault{ClientFault::Kind::Refused, ping.error().text};
    return *std::move(ping);
}

// As a ping that was lost, so that whoever reads the lines reads one form.
PingSnapshot without_relayd(const ClientFault& fault) {
    PingSnapshot ping;
    ping.lost = fault.text;
    ping.at.unix_ms = static_cast<std::int64_t>(std::time(nullptr)) * 1000;
    return ping;
}

void print_line(const Call& call, const PingSnapshot& ping) {
    if (call.json) {
        print_out(R"({"ping":)" + to_json(ping) + "}\n");
    } else {
        const std::string& whose = ping.home.empty() ? ping.visitor : ping.home;
        auto text = toned(local_time_text(ping.at.unix_ms), Tone::Faint, call.colour);
        if (!whose.empty()) text += "  " + printable(whose);
        if (!ping.carrier.empty()) text += fmt::format("  {} {}", ping.carrier, ping.address);
        text += "  " + (ping.rtt_ms
                            ? toned(fmt::format("{:.2f} ms", *ping.rtt_ms), Tone::Good, call.colour)
                            : toned("lost: " + printable(ping.lost), Tone::Bad, call.colour));
        print_out(text + "\n");
    }
    std::fflush(stdout);  // Each line when it happens, into a pipe too.
}

}  // namespace

ExitCode ping_session(Call& call) {
    AskPing request;
    std::uint64_t count = 0;
    std::optional<double> every_s;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("HOME", request.session, "a home, a visitor, or the id of a session");
    app.add_option("--count", count, "end after so many; otherwise at Ctrl-C")->type_name("NUMBER");
    arguments.add_duration("--every", every_s, "a ping each TIME; otherwise 1s");
    arguments.add_duration("--timeout", request.timeout_s,
                           "how long an answer is waited for; otherwise 5s");
    if (const auto code = arguments.parse()) return *code;
    const std::chrono::duration<double> pause{every_s.value_or(1.0)};
    const auto& is_interrupted = interruption();
    RoundTrips round_trips;
    while (!is_interrupted) {
        auto answer = ping_once(call, request, is_interrupted);
        if (is_interrupted) break;
        if (!answer && answer.error().kind != ClientFault::Kind::Unreachable) {
            return say_fault(call, answer.error());
        }
        const PingSnapshot ping = answer ? *answer : without_relayd(answer.error());
        print_line(call, ping);
        if (ping.rtt_ms) {
            round_trips.answered(*ping.rtt_ms);
        } else {
            round_trips.lost();
        }
        if (round_trips.sent() == count || !sleep_unless_interrupted(pause)) break;
    }
    print_out(call.json ? R"({"summary":)" + round_trips.json() + "}\n" : round_trips.text());
    return round_trips.answered() > 0 ? ExitCode::Done : ExitCode::Failed;
}

}  // namespace relay
