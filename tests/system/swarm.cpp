// Many homes in one process, on one loop: each with a key, a name and a session of its own, made
// of the same classes as a home's relayd. thousand_homes_test.py runs it.
//
//     swarm --homes N --config              prints what the relay's configuration says of them
//     swarm --homes N --relay wss://…       runs them until SIGTERM
//
// Home number I is home-I, its key is the same in each run, and its forward listens on port BASE +
// I and leads to --target. So many homes of one address space would each ask for address space:
// they share an arena.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <deque>

#include "common/crypto/secure_random.h"
#include "common/crypto/sha256.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/io/arena_memory.h"
#include "daemon/io/signals.h"
#include "daemon/log/stderr_sink.h"
#include "daemon/roles/home_role.h"

namespace {

using namespace relay;

constexpr std::size_t arena_bytes = std::size_t{16} << 30;

struct Options {
    std::size_t homes = 1000;
    std::uint16_t base = 20000;
    std::string target;
    std::string relay;
    std::string state_dir;
    bool config = false;
};

std::string name_of_home(std::size_t number) {
    return fmt::format("home-{:04}", number);
}

PrivateKey key_of_home(std::size_t number) {
    const std::string text = "swarm " + name_of_home(number);
    return PrivateKey{PrivateKey::Seed{sha256(bytes_of(text))}};
}

void print_config(const Options& options) {
    fmt::print("  homes:\n");
    for (std::size_t i = 0; i < options.homes; ++i) {
        const std::string name = name_of_home(i);
        fmt::print(
            "    {}:\n      key: \"{}\"\n      forwards: [ {{ listen: \"127.0.0.1:{}\", to: "
            "\"{}\" }} ]\n",
            name, public_key_line(key_of_home(i).public_key(), name), options.base + i,
            options.target);
    }
}

class Swarm {
public:
    explicit Swarm(const Options& options, ArenaMemory memory)
        : memory_(std::move(memory)), arena_(memory_.bytes()) {
        const auto relay = parse_endpoint(options.relay);
        const auto rule = parse_allow_rule(options.target);
        check(relay && rule);
        for (std::size_t i = 0; i < options.homes; ++i) {
            identities_.emplace_back(key_of_home(i));
            HomeSettings settings;
            settings.name = name_of_home(i);
            settings.relays = {*relay};
            settings.proxy = "none";
            settings.allow = {*rule};
            homes_.push_back(std::make_unique<HomeRole>(RoleContext{.loop = loop_,
                                                                    .log = log_,
                                                                    .random = random_,
                                                                    .arena = arena_,
                                                                    .identity = identities_.back(),
                                                                    .state_dir = options.state_dir,
                                                                    .config_path = {}},
                                                        settings));
        }
    }

    Status run() {
        for (const auto& home : homes_) {
            const Status started = home->start();
            if (!started) return started;
        }
        loop_.run();
        for (const auto& home : homes_) home->stop();
        return Done{};
    }

private:
    StderrSink sink_;
    Log log_{sink_, LogLevel::Warning};
    SecureRandom random_;
    ArenaMemory memory_;
    Arena arena_;
    Loop loop_;
    std::deque<Identity> identities_;
    std::vector<std::unique_ptr<HomeRole>> homes_;
    SignalWatcher terminate_{loop_, SIGTERM, [this] { loop_.stop(); }};
};

int run_swarm(const Options& options) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    (void)std::signal(SIGPIPE, SIG_IGN);
    auto memory = ArenaMemory::reserve(arena_bytes);
    if (!memory) {
        fmt::print(stderr, "{}\n", memory.error().text);
        return 1;
    }
    Swarm swarm{options, std::move(*memory)};
    const Status ended = swarm.run();
    if (!ended) fmt::print(stderr, "{}\n", ended.error().text);
    return ended ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Many homes in one process", "swarm"};
    app.add_option("--homes", options.homes);
    app.add_option("--base", options.base, "where the first home's forward listens");
    app.add_option("--target", options.target, "HOST:PORT")->required();
    app.add_option("--relay", options.relay);
    app.add_option("--state-dir", options.state_dir, "shared by all");
    app.add_flag("--config", options.config);
    CLI11_PARSE(app, argc, argv);
    if (options.config) {
        print_config(options);
        return 0;
    }
    return run_swarm(options);
}
