#include "daemon/app/app.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "common/control/watch.h"
#include "common/crypto/secure_random.h"
#include "daemon/app/identity.h"
#include "daemon/app/inheritance.h"
#include "daemon/app/memory.h"
#include "daemon/bus/bus.h"
#include "daemon/identity/file.h"
#include "daemon/io/system_clock.h"
#include "daemon/knocks/gates_kept.h"
#include "daemon/knocks/knock_door.h"
#include "daemon/log/message_ids.h"
#include "daemon/log/system_sink.h"
#include "daemon/roles/home_role.h"
#include "daemon/roles/relay_role.h"
#include "daemon/roles/visitor_role.h"

namespace relay {

namespace {

constexpr Duration status_interval = std::chrono::seconds(5);
constexpr auto settings_retry = std::chrono::seconds(3);

void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

class App {
public:
    App(const Options& options, Configuration configuration, Log& log, const Identity& identity,
        ServiceManager& service, Inheritance& inheritance, ArenaMemory memory)
        : options_(options),
          configuration_(std::move(configuration)),
          log_(log),
          memory_(std::move(memory)),
          arena_(memory_.bytes()),
          trimmer_(loop_, arena_),
          service_(service),
          inheritance_(inheritance),
          gates_(loop_, log_, gate_socket_beside(configuration_.settings.control)),
          role_(make_role(identity)),
          alive_(loop_, [this] { say_alive(); }),
          status_(loop_, [this] { say_status(); }),
          terminate_(loop_, SIGTERM, [this] { end(0); }),
          interrupt_(loop_, SIGINT, [this] { end(0); }),
          hang_up_(loop_, SIGHUP, [this] { hung_up(); }) {}

    // The exit code.
    Result<int> run() {
        role_->reload_by([this] { return reload(); });
        role_->end_by([this](int code) {
            code_ = code;
            loop_.stop();
        });
        const Settings& settings = configuration_.settings;
        role_->peers_changed_by([this] {
            if (knocks_) knocks_->apply(configuration_.settings, role_->known_peers());
        });
        std::unique_ptr<ControlServer> control;
        if (!settings.control.empty()) {
            auto opened = ControlServer::open(loop_, *role_, log_,
                                              {settings.control, settings.control_group});
            if (!opened) return opened.error();
            control = std::move(*opened);
        }
        const Status started = role_->start();
        if (!started) return started.error();
        inheritance_.replace_by(memory_);
        inheritance_.say_unserved(settings);
        hear_knocks(settings);
        auto bus = control ? join_bus(loop_, *role_, log_, settings.control_group) : nullptr;
        service_.ready();
        say_status();
        say_alive();
        loop_.run();
        service_.stopping();
        log_.info({}, "stopping");
        bus.reset();
        control.reset();
        // Else the next process goes on with all that there is.
        if (!inheritance_.parking().is_active()) role_->stop();
        return code_;
    }

private:
    std::unique_ptr<Role> make_role(const Identity& identity) {
        const RoleContext context{.loop = loop_,
                                  .log = log_,
                                  .random = random_,
                                  .arena = arena_,
                                  .sessions = session_limits(configuration_.settings.memory),
                                  .identity = identity,
                                  .state_dir = configuration_.settings.state_dir,
                                  .config_path = configuration_.path,
                                  .watch_path = watch_socket_of(configuration_.settings.control),
                                  .gates = &gates_,
                                  .parking = inheritance_.parking(),
                                  .remains = inheritance_.remains()};
        const Settings& settings = configuration_.settings;
        if (settings.relay) return std::make_unique<RelayRole>(context, settings);
        if (settings.home) return std::make_unique<HomeRole>(context, *settings.home);
        return std::make_unique<VisitorRole>(context, *settings.visit);
    }

    void hear_knocks(const Settings& settings) {
        gates_.apply(settings);
        if (settings.knock.empty() && !knocks_) return;
        if (!knocks_) {
            const KnockDoorOptions options{settings.state_dir,
                                           gate_socket_beside(settings.control)};
            knocks_ = std::make_unique<KnockDoor>(loop_, log_, options);
        }
        knocks_->apply(settings, role_->known_peers());
    }

    // Twice: at once.
    void end(int code) {
        code_ = code;
        if (std::exchange(is_ending_, true) || inheritance_.parking().is_active()) {
            loop_.stop();
            return;
        }
        role_->wind_down([this] { loop_.stop(); });
    }

    // A visitor without a file has nothing to read again: its terminal has gone, or ssh has.
    void hung_up() {
        if (configuration_.path.empty() && configuration_.settings.visit) return end(0);
        const auto done = reload();
        if (!done) {
            log_.error({.message_id = message_id::settings_refused}, "nothing was changed: {}",
                       done.error().text);
        }
    }

    // All or nothing: with one error in the files, everything stays as it is.
    Result<ReloadSnapshot> reload() {
        if (configuration_.path.empty()) {
            return Error{ErrorCode::Unsupported,
                         "relayd was started without a configuration file: nothing to read again"};
        }
        service_.reloading(now());
        auto next = configure(options_);
        service_.ready();
        if (!next)
            return Error{ErrorCode::Malformed,
                         fmt::format("{}", fmt::join(next.error().lines, "\n"))};
        inheritance_.complete(next->settings);
        Settings& settings = configuration_.settings;
        if (settings.relay.has_value() != next->settings.relay.has_value() ||
            settings.home.has_value() != next->settings.home.has_value()) {
            return Error{ErrorCode::Unsupported, "the role has changed: systemctl restart relayd"};
        }
        ReloadSnapshot changes = role_->apply(next->settings);
        if (settings.log_level != next->settings.log_level) {
            log_.set_least(next->settings.log_level);
            changes.changes.push_back(
                fmt::format("log-level {}", name_of(next->settings.log_level)));
        }
        if (settings.control != next->settings.control) changes.needs_restart.push_back("control");
        if (settings.state_dir != next->settings.state_dir) {
            changes.needs_restart.push_back("state-dir");
        }
        if (settings.memory != next->settings.memory) changes.needs_restart.push_back("memory");
        settings = std::move(next->settings);
        inheritance_.say_unserved(settings);
        hear_knocks(settings);
        log_.info({.message_id = message_id::settings_read}, "read {} again: {} changes{}",
                  configuration_.path, changes.changes.size(),
                  changes.needs_restart.empty()
                      ? std::string()
                      : fmt::format("; only a restart changes {}",
                                    fmt::join(changes.needs_restart, ", ")));
        return changes;
    }

    void say_alive() {
        const auto interval = service_.alive_interval();
        if (!interval) return;
        service_.alive();
        alive_.arm(*interval);
    }

    void say_status() {
        if (!service_.listens()) return;
        service_.status(role_->status_line());
        status_.arm(status_interval);
    }

    Options options_;
    Configuration configuration_;
    Log& log_;
    SecureRandom random_;
    ArenaMemory memory_;
    Arena arena_;
    Loop loop_;
    ArenaTrimmer trimmer_;
    ServiceManager& service_;
    Inheritance& inheritance_;
    GatesKept gates_;
    std::unique_ptr<Role> role_;
    std::unique_ptr<KnockDoor> knocks_;
    int code_ = 0;
    bool is_ending_ = false;
    UvTimer alive_;
    UvTimer status_;
    SignalWatcher terminate_;
    SignalWatcher interrupt_;
    SignalWatcher hang_up_;
};

constexpr int wrong_settings = 2;

// With that status the service manager would give up, and with it all that it keeps for us.
int give_up(bool somebody_waits) {
    if (!somebody_waits) return wrong_settings;
    fmt::print(stderr, "connections wait for settings that are right; trying again every {} s\n",
               settings_retry.count());
    std::this_thread::sleep_for(settings_retry);
    return 1;
}

}  // namespace

int run_app(const Options& options) {
    const bool somebody_waits = ServiceManager::has_kept();
    auto configuration = configure(options);
    if (!configuration) {
        for (const std::string& line : configuration.error().lines)
            fmt::print(stderr, "{}\n", line);
        return give_up(somebody_waits);
    }
    (void)std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    const Settings& settings = configuration->settings;
    auto sink = system_log_sink();
    Log log{*sink, settings.log_level};
    const auto failed = [&](const Error& error) {
        log.error({.message_id = message_id::cannot_start}, "{}", error.text);
        return 1;
    };
    const Status directory = make_directory(settings.state_dir, 0700);
    if (!directory) return failed(directory.error());
    const auto identity = open_identity(key_path(settings));
    if (!identity) return failed(identity.error());
    ServiceManager service = ServiceManager::of_this_process();
    Inheritance inheritance{log, service};
    inheritance.complete(configuration->settings);
    auto memory = reserve_arena(session_limits(settings.memory));
    if (!memory) return failed(memory.error());
    log.info({}, "relayd {}, key {}", RELAYD_VERSION,
             to_text(fingerprint_of(identity->public_key())));
    App app{options,     std::move(*configuration), log, *identity, service,
            inheritance, std::move(*memory)};
    const auto ended = app.run();
    int code = ended ? *ended : failed(ended.error());
    if (!ended && ended.error().code == ErrorCode::Refused) code = give_up(somebody_waits);
    // Nothing may be closed or given back in good order: it all goes on.
    if (inheritance.parking().is_active()) {
        sink.reset();  // But for the log's last lines.
        std::_Exit(code);
    }
    return code;
}

}  // namespace relay
