// load: a target and its clients, to measure what is between them. See docs/PERFORMANCE.md.

#include <CLI/CLI.hpp>

#include "bench/load/commands.h"

namespace {

using namespace relay::bench;

// Before, within and after the time that counts.
struct Timing {
    double warm_up_s = 0.5;
    double seconds = 3;
    std::int64_t begin_ns = 0;

    Window window() const {
        const auto begin =
            begin_ns ? begin_ns : now_ns() + static_cast<std::int64_t>(warm_up_s * 1e9);
        return {begin, begin + static_cast<std::int64_t>(seconds * 1e9)};
    }
};

CLI::App* add_command(CLI::App& app, const char* name, const char* what, Address& address) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("--host", address.host, "IPv4 address")->capture_default_str();
    command->add_option("--port", address.port, "where the target is, or what leads to it")
        ->required();
    return command;
}

void add_timing(CLI::App* command, Timing& timing) {
    command->add_option("--warm-up", timing.warm_up_s, "seconds that do not count")
        ->capture_default_str();
    command->add_option("--seconds", timing.seconds, "seconds that count")->capture_default_str();
    command->add_option("--begin-ns", timing.begin_ns,
                        "when they begin, on the monotonic clock; instead of --warm-up");
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"A target and its clients, to measure what is between them. Prints JSON lines."};
    app.require_subcommand(1);
    Address address;
    Timing timing;
    std::size_t connections = 1, at_once = 16;
    bool up = false, reset = false;

    add_command(app, "target", "be a source, a sink and an echo, as each client asks", address)
        ->final_callback([&] { run_target(address); });

    auto* bulk = add_command(app, "bulk", "saturate connections", address);
    add_timing(bulk, timing);
    bulk->add_option("--connections", connections)->capture_default_str();
    bulk->add_flag("--up", up, "from here to the target, not from it");
    bulk->final_callback([&] {
        run_bulk(address, connections, up ? Direction::Up : Direction::Down, timing.window());
    });

    auto* ping = add_command(app, "ping", "a byte there and back, again and again", address);
    add_timing(ping, timing);
    ping->final_callback([&] { run_ping(address, timing.window()); });

    auto* connects = add_command(app, "connects", "connect, a byte each way, close", address);
    add_timing(connects, timing);
    connects->add_option("--at-once", at_once, "side by side")->capture_default_str();
    connects->add_flag("--reset", reset, "close with a reset");
    connects->final_callback([&] {
        run_connects(address, at_once, reset ? Ending::Reset : Ending::Fin, timing.window());
    });

    auto* hold = add_command(app, "hold", "keep connections until standard input ends", address);
    hold->add_option("--connections", connections)->capture_default_str();
    hold->final_callback([&] { run_hold(address, connections); });

    CLI11_PARSE(app, argc, argv);
}
