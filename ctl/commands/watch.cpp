#include "ctl/watching/watch.h"

#include <fmt/format.h>
#include <poll.h>

#include <csignal>

#include "common/base/host_port.h"
#include "common/base/text.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/client.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"
#include "ctl/watching/predecessors.h"
#include "daemon/io/system_clock.h"

namespace relay {
namespace {

constexpr double every_least_s = 0.1;
constexpr double every_most_s = 86'400;
constexpr unsigned failures_most = 1000;
constexpr Duration free_within = std::chrono::seconds{5};
constexpr int look_again_ms = 50;

struct Place {
    std::string port;
    std::string address = "127.0.0.1";
};

void add_place(CLI::App& app, Place& place) {
    app.add_option("PORT", place.port, "where ssh listens (-R PORT:…)")->required();
    app.add_option("--address", place.address, "on which address; 127.0.0.1 unless said otherwise")
        ->type_name("ADDRESS");
}

Result<SocketAddress> parse(const Place& place) {
    const auto port = parse_port(place.port);
    if (!port) return port.error();
    const auto address =
        parse_ip_address(place.address == "localhost" ? "127.0.0.1" : place.address);
    if (!address) return address.error();
    return SocketAddress{*address, *port};
}

// relayd asks the sessions that are registered with it. Without it, they are found by name.
void ask_relayd_to_release(const Call& call, const SocketAddress& at) {
    auto client = Client::connect(watch_socket_of(call.control));
    if (!client) return;
    const auto answer =
        client->ask("watch.release", to_json(WatchRelease{at.port, to_text(at.address)}));
    if (!answer) fmt::print(stderr, "relayctl release: {}\n", printable(answer.error().text));
}

}  // namespace

ExitCode watch_port(Call& call) {
    WatchOptions options;
    Place place;
    std::string probe = "auto";
    std::optional<double> every_s;
    Arguments arguments{call};
    auto& app = arguments.app();
    add_place(app, place);
    arguments.add_duration("--every", every_s, "how often it is probed; 30s unless said otherwise");
    app.add_option("--probe", probe,
                   "how: tcp, rdp, ssh, http, tls, ftp or vnc; by the port unless said otherwise")
        ->type_name("KIND");
    app.add_option("--failures", options.failures, "end after so many failures in a row; 1")
        ->type_name("NUMBER")
        ->check(CLI::Range(1U, failures_most));
    if (const auto code = arguments.parse()) return *code;
    const auto at = parse(place);
    if (!at) return usage_fault(call.command, at.error().text);
    const auto kind = probe_kind_of(probe);
    if (!kind || *kind == ProbeKind::None) {
        return usage_fault(call.command, "no probe is called \"" + probe + "\"");
    }
    if (every_s && (*every_s < every_least_s || *every_s > every_most_s)) {
        return usage_fault(call.command, "--every takes from 100ms to 24h");
    }
    options.at = *at;
    options.probe = *kind == ProbeKind::Auto ? kind_for_port(at->port) : *kind;
    if (every_s) {
        options.every =
            std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*every_s));
    }
    options.socket = watch_socket_of(call.control);
    (void)std::signal(SIGPIPE, SIG_IGN);
    const Announcer announcer{call.json ? Announcer::Form::Json : Announcer::Form::People};
    Watch{options, announcer}.run();
    return ExitCode::Failed;  // However it ended: the ssh client shall come again.
}

ExitCode release_port(Call& call) {
    Place place;
    Arguments arguments{call};
    add_place(arguments.app(), place);
    if (const auto code = arguments.parse()) return *code;
    const auto at = parse(place);
    if (!at) return usage_fault(call.command, at.error().text);
    const auto session = own_session();
    auto state = port_state(*at, session);
    if (state && state->owner != PortOwner::Nobody && state->owner != PortOwner::AnotherUser) {
        ask_relayd_to_release(call, *at);
        (void)end_watchers(at->port, session, Which::All);
        if (state = port_state(*at, session); state && state->owner == PortOwner::AnotherSession) {
            (void)end_holders(state->listeners, session);
        }
    }
    for (const auto until = now() + free_within; state && now() < until;) {
        state = port_state(*at, session);
        if (state && state->owner == PortOwner::Nobody) return ExitCode::Done;
        if (state && state->owner == PortOwner::AnotherUser) break;
        ::poll(nullptr, 0, look_again_ms);
    }
    const auto text = !state ? state.error().text
                      : state->owner == PortOwner::AnotherUser
                          ? to_text(*at) + " is another user's"
                          : to_text(*at) + " is still held, and who holds it cannot be ended";
    return say_fault(call, {ClientFault::Kind::Refused, text,
                            fmt::format("relayctl stale {} tells more", at->port)});
}

}  // namespace relay
