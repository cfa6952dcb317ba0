// Many homes in one process, on one loop: each with a key, a name and a session of its own, made
// of the same classes as a home's relayd. thousand_homes_test.py runs it.
//
//     swarm --homes N --config              prints what the relay's configuration says of them
//     swarm --homes N --relay wss://…       runs them until SIGTERM
//     swarm --tls-bytes                     prints what one connection's TLS takes by itself
//
// Home number I is home-I, its key is the same in each run, and its forward listens on port BASE +
// I and leads to --target. So many homes of one address space would each ask for address space:
// they share an arena.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <deque>

#include "common/crypto/secure_random.h"
#include "common/crypto/sha256.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/io/arena_memory.h"
#include "daemon/io/signals.h"
#include "daemon/io/tls_channel.h"
#include "daemon/log/stderr_output.h"
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
    bool tls_bytes = false;
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

// A handshake without a network, from which the server's end is left.
std::unique_ptr<TlsChannel> handshaken(const TlsContext& server, const TlsContext& client) {
    auto accepting = TlsChannel::accepting(server);
    auto connecting = TlsChannel::connecting(client, "relay");
    check(accepting && connecting);
    ByteVector to_server, to_client;
    ByteVector room(65536);
    const auto step = [&](TlsChannel& end, ByteVector& in, ByteVector& out) {
        TlsWire wire{in, room};
        const auto done = end.handshake(wire);
        check(bool(done));
        in.clear();
        out.assign(room.begin(), room.end() - static_cast<std::ptrdiff_t>(wire.out.size()));
        return *done;
    };
    bool client_done = false, server_done = false;
    while (!client_done || !server_done) {
        if (!client_done) client_done = step(**connecting, to_client, to_server);
        if (!server_done) server_done = step(**accepting, to_server, to_client);
    }
    return std::move(*accepting);
}

// By the allocator's own count: what pages are lost between the pieces comes on top.
int print_tls_bytes() {
    constexpr std::size_t count = 500;
    const auto certificate = TlsCertificate::make_self_signed();
    check(bool(certificate));
    const auto server = TlsContext::server(*certificate, alpn_http);
    const auto client = TlsContext::client({}, alpn_http);
    check(server && client);
    std::vector<std::unique_ptr<TlsChannel>> ends;
    ends.reserve(count);
    (void)handshaken(*server, *client);  // What is made once.
    const std::size_t before = mallinfo2().uordblks;
    for (std::size_t i = 0; i < count; ++i) ends.push_back(handshaken(*server, *client));
    fmt::print("{}\n", (mallinfo2().uordblks - before) / count);
    return 0;
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
                                                                    .sessions = {},
                                                                    .identity = identities_.back(),
                                                                    .state_dir = options.state_dir,
                                                                    .config_path = {},
                                                                    .parking = parking_,
                                                                    .remains = nullptr},
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
    LogWriter sink_{std::make_unique<StderrOutput>()};
    Log log_{sink_, LogLevel::Warning};
    SecureRandom random_;
    Parking parking_;
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
    app.add_option("--target", options.target, "HOST:PORT");
    app.add_option("--relay", options.relay);
    app.add_option("--state-dir", options.state_dir, "shared by all");
    app.add_flag("--config", options.config);
    app.add_flag("--tls-bytes", options.tls_bytes);
    CLI11_PARSE(app, argc, argv);
    if (options.tls_bytes) return print_tls_bytes();
    if (options.config) {
        print_config(options);
        return 0;
    }
    return run_swarm(options);
}
