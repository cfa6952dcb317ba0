// `relayctl gates check`: whether the settings would keep the administrator out.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "common/settings/gate.h"
#include "common/settings/settings.h"
#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/gate_socket.h"
#include "ctl/kernel/tcp_sockets.h"
#include "ctl/output/units.h"
#include "daemon/app/configuration.h"

namespace relay {
namespace {

constexpr std::uint16_t ssh_port = 22;

bool stands_before(const Gate& gate, const IpAddress& local, std::uint16_t port) {
    return std::ranges::any_of(gate.places, [&](const GatedPlace& place) {
        const bool is_here = place.address.empty() || place.address == to_text(local);
        return is_here && place.ports.transport == Transport::Tcp &&
               place.ports.ports.contains(port);
    });
}

bool always_lets_in(const Gate& gate, const IpAddress& address) {
    return std::ranges::any_of(gate.settings.always,
                               [&](const Cidr& each) { return each.contains(address); });
}

class GatesCheck {
public:
    explicit GatesCheck(const Settings& settings)
        : settings_(settings), gates_(gates_of(settings)) {}

    void run(const std::string& socket) {
        if (gates_.empty()) return print_out("no gates\n");
        for (const auto& gate : gates_) check(gate);
        const auto connected = connections();
        if (connected) check_connections(*connected);
        if (!Client::connect(socket)) {
            warn(
                "relayd-gate does not run: what these settings close may be open. "
                "systemctl enable --now relayd-gate");
        }
        if (warnings_ == 0) print_out("nothing that would keep you out was found\n");
    }

    bool is_well() const { return warnings_ == 0; }

private:
    void check(const Gate& gate) {
        const auto& settings = gate.settings;
        check_visitors(gate);
        const bool has_ssh = stands_before(gate, IpAddress{}, ssh_port);
        const bool is_knocked =
            !settings.sequence.empty() || !settings.keys.empty() || !settings.visitors.empty();
        if (!is_knocked && settings.always.empty()) {
            warn(fmt::format("gate {} lets in nobody but whom `relayctl gate open` names",
                             gate.name));
        } else if (has_ssh && settings.always.empty()) {
            warn(fmt::format(
                "ssh is behind gate {}, and nobody is let in always: if knocking fails, only a "
                "console gets you in. Write always: [ a network that you come from ]",
                gate.name));
        }
        if (!settings.sequence.empty() && is_monotone(settings.sequence)) {
            warn(fmt::format("gate {} is opened by any scan that tries one port after another",
                             gate.name));
        }
    }

    // They may have come at run time, which no settings tell.
    void check_visitors(const Gate& gate) {
        if (!settings_.relay) return;
        for (const auto& name : gate.settings.visitors) {
            if (settings_.relay->visitors.contains(name) || settings_.relay->homes.contains(name)) {
                continue;
            }
            warn(fmt::format(
                "gate {} names {}, whom these settings do not know: relayctl visitor list and "
                "relayctl home list show who came at run time",
                gate.name, name));
        }
    }

    // Whoever is in now would like to come again.
    void check_connections(const std::vector<TcpConnection>& connected) {
        std::set<std::pair<std::string, std::string>> told;
        for (const auto& [local, remote, inode] : connected) {
            if (remote.address.is_loopback()) continue;
            for (const auto& gate : gates_) {
                if (!stands_before(gate, local.address, local.port)) continue;
                if (always_lets_in(gate, remote.address)) continue;
                if (!told.emplace(gate.name, to_text(remote.address)).second) continue;
                warn(fmt::format(
                    "{} is connected to port {} now, and would have to knock at gate {} to come "
                    "again (the connection goes on)",
                    to_text(remote.address), local.port, gate.name));
            }
        }
    }

    void warn(const std::string& text) {
        ++warnings_;
        print_out("warning: " + printable(text) + "\n");
    }

    const Settings& settings_;
    std::vector<Gate> gates_;
    std::size_t warnings_ = 0;
};

}  // namespace

ExitCode check_gates(Call& call) {
    std::string file = "/etc/relayd/relayd.yaml";
    Arguments arguments{call};
    arguments.app().add_option("--config", file, "the settings")->type_name("FILE");
    if (const auto code = arguments.parse()) return *code;
    const auto settings = load_file(file);
    if (!settings) {
        for (const auto& line : settings.error().lines) fmt::print(stderr, "{}\n", printable(line));
        return ExitCode::Failed;
    }
    GatesCheck check{*settings};
    check.run(gate_socket(call));
    return check.is_well() ? ExitCode::Done : ExitCode::Failed;
}

}  // namespace relay
