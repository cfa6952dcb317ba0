// relayd-gate: closes ports of this host, and opens them for those who knock.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "daemon/gate/gate_service.h"
#include "daemon/io/signals.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/log/service_manager.h"
#include "daemon/log/system_sink.h"

namespace {

using namespace relay;

struct Options {
    GateServiceOptions service;
    std::string log_level = "info";
    bool clears = false;
};

std::string environment(const char* name, const char* or_else) {
    const char* value = std::getenv(name);
    return value == nullptr ? or_else : value;
}

class Program {
public:
    Program(GateServiceOptions options, Log& log)
        : log_(log),
          service_(loop_, log, std::move(options)),
          manager_(ServiceManager::of_this_process()),
          alive_(loop_, [this] { say_alive(); }),
          terminate_(loop_, SIGTERM, [this] { loop_.stop(); }),
          interrupt_(loop_, SIGINT, [this] { loop_.stop(); }),
          hang_up_(loop_, SIGHUP, [this] { reload(); }) {}

    Status run() {
        const auto started = service_.start();
        if (!started) return started;
        manager_.ready();
        say_alive();
        loop_.run();
        manager_.stopping();
        service_.end();
        return Done{};
    }

private:
    void reload() {
        manager_.reloading(now());
        const auto done = service_.apply({});
        manager_.ready();
        if (done) return;
        log_.error({.message_id = message_id::settings_refused}, "nothing was changed: {}",
                   done.error().text);
    }

    void say_alive() {
        const auto interval = manager_.alive_interval();
        if (!interval) return;
        manager_.alive();
        alive_.arm(*interval);
    }

    Log& log_;
    Loop loop_;
    GateService service_;
    ServiceManager manager_;
    UvTimer alive_;
    SignalWatcher terminate_;
    SignalWatcher interrupt_;
    SignalWatcher hang_up_;
};

int clear() {
    const auto done = Nftables{}.run(ruleset_of({}, {}, TellKnocks::No));
    if (done) return 0;
    fmt::print(stderr, "relayd-gate: {}\n", done.error().text);
    return 1;
}

int run(const Options& options) {
    if (options.clears) return clear();
    const auto level = log_level_from(options.log_level);
    if (!level) {
        fmt::print(stderr, "relayd-gate: --log-level: debug, info, warning or error\n");
        return 2;
    }
    (void)std::signal(SIGPIPE, SIG_IGN);
    const auto sink = system_log_sink();
    Log log{*sink, *level};
    const auto done = Program{options.service, log}.run();
    if (done) return 0;
    log.error({.message_id = message_id::cannot_start}, "{}", done.error().text);
    return done.error().code == ErrorCode::Malformed ? 2 : 1;
}

}  // namespace

int main(int count, char** arguments) {
    Options options;
    CLI::App app{"Closes ports of this host, and opens them for those who knock"};
    app.set_version_flag("--version", "relayd-gate " RELAYD_VERSION);
    options.service.config = "/etc/relayd/relayd.yaml";
    options.service.state_dir = environment("STATE_DIRECTORY", "/var/lib/relayd-gate");
    options.service.control =
        environment("RUNTIME_DIRECTORY", "/run/relayd-gate") + "/control.sock";
    app.add_option("--config", options.service.config, "Configuration file")->type_name("FILE");
    app.add_option("--state-dir", options.service.state_dir, "Where the last rules are kept")
        ->type_name("DIR");
    app.add_option("--control", options.service.control, "Socket that relayctl talks to")
        ->type_name("SOCKET");
    app.add_option("--hooks", options.service.hooks, "Socket of relayd-hooks, which runs commands")
        ->type_name("SOCKET");
    app.add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->type_name("LEVEL");
    app.add_flag("--clear", options.clears, "Remove the rules, which opens all gates, and end");
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
    }
    return run(options);
}
