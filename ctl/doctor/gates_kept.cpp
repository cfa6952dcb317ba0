#include "ctl/doctor/gates_kept.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/control/gates.h"
#include "common/control/json.h"
#include "ctl/client.h"

namespace relay {

namespace {

Asked<GateList> ask_gates(const std::string& socket) {
    auto client = Client::connect(socket);
    if (!client) return client.error();
    const auto told = client->ask("gates.list", "{}");
    if (!told) return told.error();
    const auto list = from_json<GateList>(*told);
    if (list) return *list;
    return ClientFault{ClientFault::Kind::Unreachable, list.error().text, ""};
}

}  // namespace

void check_gates_kept(Checklist& checks, const Settings& settings, const std::string& control) {
    if (settings.gates.empty()) return;
    // /run/relayd-gate for /run/relayd.
    const auto socket = control.substr(0, control.rfind('/')) + "-gate/control.sock";
    const auto list = ask_gates(socket);
    if (!list && list.error().kind == ClientFault::Kind::Refused) {
        return checks.warning("gates", list.error().text, list.error().hint);
    }
    if (!list) {
        const auto text = fmt::format(
            "relayd-gate does not answer at {}: what the settings close may be open", socket);
        return checks.warning("gates", text, "systemctl enable --now relayd-gate");
    }
    if (!list->problem.empty()) {
        return checks.warning("gates", list->problem, "relayctl gates check");
    }
    for (const auto& [name, gate] : settings.gates) {
        if (std::ranges::find(list->gates, name, &GateSnapshot::name) != list->gates.end())
            continue;
        return checks.warning("gates",
                              fmt::format("the gate {} of the settings is not closed", name),
                              "relayctl gate apply --confirm 60s");
    }
    checks.ok("gates", fmt::format("relayd-gate keeps {}", settings.gates.size()));
}

}  // namespace relay
