#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "common/base/text.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/measuring/interruption.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

constexpr std::chrono::milliseconds look_every{200};

using Answer = Result<BenchSnapshot, ClientFault>;

Answer ask_bench(Client& client, const std::string& method, const std::string& with) {
    const auto answer = client.ask(method, with);
    if (!answer) return answer.error();
    auto bench = from_json<BenchSnapshot>(*answer);
    if (!bench) return ClientFault{ClientFault::Kind::Refused, bench.error().text};
    return *std::move(bench);
}

std::string text_of(const BenchSnapshot& bench) {
    const std::string& whose = bench.home.empty() ? bench.visitor : bench.home;
    return fmt::format("{:<4} {} {}  {} in {:.1f} s  {}/s", bench.direction,
                       bench.direction == "down" ? "to" : "from", printable(whose),
                       bytes_text(bench.bytes), bench.elapsed_s, bytes_text(bench.bytes_per_s));
}

// One way; shows how it goes to whoever sits there.
Answer measure(const Call& call, Client& client, const StartBench& request) {
    auto bench = ask_bench(client, "bench.start", to_json(request));
    const bool is_watched = !call.json && ::isatty(STDERR_FILENO) == 1;
    while (bench && bench->state == "running") {
        const auto which = to_json(BenchSelector{bench->id});
        if (!sleep_unless_interrupted(look_every)) {
            if (const auto stopped = client.ask("bench.stop", which); !stopped) {
                return stopped.error();
            }
        }
        bench = ask_bench(client, "bench.show", which);
        if (bench && is_watched) fmt::print(stderr, "\r{}\033[K", text_of(*bench));
    }
    if (is_watched) fmt::print(stderr, "\r\033[K");
    return bench;
}

}  // namespace

ExitCode bench_session(Call& call) {
    StartBench request;
    std::string bytes;
    std::string direction = "both";
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("HOME", request.session, "a home, a visitor, or the id of a session")
        ->required();
    app.add_option("--direction", direction,
                   "down (to it), up (from it), or both, one after the other")
        ->type_name("WAY")
        ->check(CLI::IsMember({"down", "up", "both"}));
    arguments.add_duration("--for", request.for_s, "how long each way; otherwise 5s, at most 1m");
    app.add_option("--bytes", bytes, "at most so many each way, such as 100MiB")->type_name("SIZE");
    if (const auto code = arguments.parse()) return *code;
    if (!bytes.empty()) {
        const auto size = parse_size(bytes);
        if (!size) return usage_fault(call.command, "--bytes: " + size.error().text);
        request.bytes = *size;
    }
    const auto& is_interrupted = interruption();
    auto client = Client::connect(call.control);
    if (!client) return say_fault(call, client.error());
    std::string json;
    bool is_good = true;
    for (const char* way : {"down", "up"}) {
        if ((direction != "both" && direction != way) || is_interrupted) continue;
        request.direction = way;
        const auto bench = measure(call, *client, request);
        if (!bench) return say_fault(call, bench.error());
        json += (json.empty() ? "" : ",") + to_json(*bench);
        if (bench->state == "done") {
            if (!call.json) print_out(text_of(*bench) + "\n");
            std::fflush(stdout);
            continue;
        }
        is_good = false;
        if (!call.json) {
            fmt::print(stderr, "relayctl bench: {}: {}\n", way, printable(bench->text));
        }
        break;
    }
    if (call.json) print_out(R"({"benches":[)" + json + "]}\n");
    return is_good ? ExitCode::Done : ExitCode::Failed;
}

}  // namespace relay
