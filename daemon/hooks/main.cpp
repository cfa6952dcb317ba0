// relayd-hooks: runs commands for those who have knocked.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "daemon/hooks/hook_runner.h"
#include "daemon/io/signals.h"
#include "daemon/log/message_ids.h"
#include "daemon/log/service_manager.h"
#include "daemon/log/system_sink.h"

namespace {

using namespace relay;

constexpr int first_passed = 3;  // SD_LISTEN_FDS_START.

struct Options {
    HookRunnerOptions runner;
    std::string log_level = "info";
};

// The socket that the service manager has opened for us (sd_listen_fds(3)), if it has.
UniqueFd passed_socket() {
    const char* process = std::getenv("LISTEN_PID");
    if (process == nullptr || process != std::to_string(::getpid())) return {};
    (void)::fcntl(first_passed, F_SETFD, FD_CLOEXEC);  // Not for the commands.
    return UniqueFd{first_passed};
}

Status serve(Log& log, const HookRunnerOptions& options) {
    Loop loop;
    HookRunner runner{loop, log, options};
    const auto started = runner.start(passed_socket());
    if (!started) return started;
    const SignalWatcher terminate{loop, SIGTERM, [&] { loop.stop(); }};
    const SignalWatcher interrupt{loop, SIGINT, [&] { loop.stop(); }};
    auto manager = ServiceManager::of_this_process();
    manager.ready();
    loop.run();
    manager.stopping();
    return Done{};
}

int run(const Options& options) {
    const auto level = log_level_from(options.log_level);
    if (!level) {
        fmt::print(stderr, "relayd-hooks: --log-level: debug, info, warning or error\n");
        return 2;
    }
    (void)std::signal(SIGPIPE, SIG_IGN);
    const auto sink = system_log_sink();
    Log log{*sink, *level};
    const auto done = serve(log, options.runner);
    if (done) return 0;
    log.error({.message_id = message_id::cannot_start}, "{}", done.error().text);
    return 1;
}

}  // namespace

int main(int count, char** arguments) {
    Options options;
    const char* state = std::getenv("STATE_DIRECTORY");
    options.runner.config = "/etc/relayd/relayd.yaml";
    options.runner.state_dir = state == nullptr ? "/var/lib/relayd-hooks" : state;
    options.runner.socket = usual_hooks_socket;
    CLI::App app{"Runs commands for those who have knocked"};
    app.set_version_flag("--version", "relayd-hooks " RELAYD_VERSION);
    app.add_option("--config", options.runner.config, "Configuration file")->type_name("FILE");
    app.add_option("--state-dir", options.runner.state_dir, "Where it is kept who is in")
        ->type_name("DIR");
    app.add_option("--socket", options.runner.socket, "Where relayd-gate tells of knocks")
        ->type_name("SOCKET");
    app.add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->type_name("LEVEL");
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
    }
    return run(options);
}
