#include <fmt/format.h>

#include <csignal>
#include <cstdlib>

#include "common/base/text.h"
#include "common/settings/gate.h"
#include "ctl/arguments.h"
#include "ctl/command_table.h"
#include "ctl/knocking/sequence.h"
#include "ctl/knocking/signed.h"
#include "ctl/knocking/then_connect.h"
#include "ctl/output/units.h"
#include "daemon/app/configuration.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

constexpr double usual_pause_s = 0.1;
constexpr Duration connect_patience = std::chrono::seconds{10};
constexpr int each_patience_s = 3;

Result<std::vector<KnockStep>> parse_sequence(const std::vector<std::string>& texts) {
    std::vector<KnockStep> sequence;
    for (const auto& text : texts) {
        for (const auto word : split(text, ',')) {
            const auto step = parse_knock_step(trim(word));
            if (!step) return step.error();
            sequence.push_back(*step);
        }
    }
    return sequence;
}

ExitCode say_failed(const Error& error) {
    fmt::print(stderr, "relayctl: {}\n", printable(error.text));
    return ExitCode::Failed;
}

struct Wish {
    std::string host;
    std::uint16_t port = 0;  // 0: nothing but knock.
    std::string gate;
    std::string key;
    std::uint16_t knock_port = usual_knock_port;
    std::vector<KnockStep> sequence;  // Empty: it is signed.
    Duration pause{};
};

Result<std::string> knock(const Wish& wish) {
    if (!wish.sequence.empty()) return knock_sequence({wish.host, wish.sequence, wish.pause});
    const auto path = wish.key.empty() ? default_state_dir() + "/id_ed25519" : wish.key;
    const char* agent = std::getenv("SSH_AUTH_SOCK");
    const auto identity = load_identity(path, agent == nullptr ? "" : agent);
    if (!identity) return identity.error();
    return knock_signed({wish.host, wish.knock_port, wish.gate}, *identity);
}

// A datagram may be lost, and nobody says so: then another one.
Result<UniqueFd> knock_until_let_in(const Wish& wish) {
    const auto deadline = now() + connect_patience;
    for (;;) {
        const auto address = knock(wish);
        if (!address) return address.error();
        auto socket = connect_patiently(*address, wish.port, each_patience_s);
        if (socket || now() > deadline) return socket;
    }
}

ExitCode run(const Wish& wish) {
    if (wish.port != 0) {
        (void)std::signal(SIGPIPE, SIG_IGN);
        const auto socket = knock_until_let_in(wish);
        if (!socket) return say_failed(socket.error());
        const auto done = bridge_stdio(*socket);
        return done ? ExitCode::Done : say_failed(done.error());
    }
    const auto address = knock(wish);
    if (!address) return say_failed(address.error());
    fmt::print("knocked at {}{}\n", printable(*address),
               wish.sequence.empty() ? "" : ": " + to_text(wish.sequence));
    return ExitCode::Done;
}

}  // namespace

ExitCode knock_host(Call& call) {
    Wish wish;
    std::vector<std::string> steps;
    std::optional<double> pause_s;
    bool connects = false;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("HOST", wish.host, "whom to knock at")->required();
    app.add_option("PORT", wish.port, "of --then-connect")->check(CLI::Range(1, 65535));
    app.add_option("--gate", wish.gate, "the gate; otherwise all that the key may open");
    app.add_option("--key", wish.key, "the key that signs; otherwise that of relayd visit")
        ->type_name("FILE");
    app.add_option("--knock-port", wish.knock_port, "where signed knocks are heard")
        ->check(CLI::Range(1, 65535))
        ->type_name("PORT");
    app.add_option("--sequence", steps,
                   "knock at these ports instead: 10003/tcp,10001/tcp,10007/udp")
        ->type_name("PORTS")
        ->allow_extra_args(false);
    arguments.add_duration("--pause", pause_s, "between two knocks; otherwise 100ms");
    app.add_flag("--then-connect", connects,
                 "connect stdin and stdout to PORT then, as ssh's ProxyCommand");
    if (const auto code = arguments.parse()) return *code;
    if (connects != (wish.port != 0)) {
        return usage_fault(call.command, "--then-connect and PORT belong together");
    }
    const auto sequence = parse_sequence(steps);
    if (!sequence) return usage_fault(call.command, sequence.error().text);
    if (!sequence->empty() && !(wish.gate.empty() && wish.key.empty())) {
        return usage_fault(call.command, "a sequence is not signed: without --gate and --key");
    }
    wish.sequence = *sequence;
    wish.pause = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>{pause_s.value_or(usual_pause_s)});
    return run(wish);
}

}  // namespace relay
