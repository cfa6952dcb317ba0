#include "daemon/bus/bus_signals.h"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <string_view>

#include "common/control/json.h"
#include "daemon/bus/bus_names.h"
#include "daemon/bus/bus_values.h"

namespace relay {

namespace {

using Member = std::string EventSnapshot::*;

struct SignalOfKind {
    std::string_view kind;
    const char* signal;
    Member second;
    Member third;
    Member fourth;  // Null where there are three.
};

// All begin with the home. docs/DBUS.md names what follows.
constexpr SignalOfKind signals_of_kinds[] = {
    {"home-online", "SessionUp", &EventSnapshot::session, &EventSnapshot::address, nullptr},
    {"session-resumed", "SessionUp", &EventSnapshot::session, &EventSnapshot::address, nullptr},
    {"home-away", "SessionDown", &EventSnapshot::session, &EventSnapshot::text, nullptr},
    {"session-ended", "SessionEnded", &EventSnapshot::session, &EventSnapshot::text, nullptr},
    {"session-taken-over", "Takeover", &EventSnapshot::session, &EventSnapshot::address, nullptr},
    {"probe-failed", "ProbeFailed", &EventSnapshot::forward, &EventSnapshot::verdict,
     &EventSnapshot::text},
    {"probe-recovered", "ProbeRecovered", &EventSnapshot::forward, &EventSnapshot::text, nullptr},
    {"forward-failed", "ForwardFailed", &EventSnapshot::forward, &EventSnapshot::text, nullptr},
    {"forward-listening", "ForwardListening", &EventSnapshot::forward, &EventSnapshot::text,
     nullptr},
};

// Those of a busy relay come by the thousand, and are for whoever follows the control socket.
bool is_for_the_bus(std::string_view kind) {
    return kind != "stream-opened" && kind != "stream-closed";
}

// Failures are those of a connection that ends: nobody hears anything then.
void send_general(sd_bus& bus, const EventSnapshot& event) {
    sd_bus_message* signal = nullptr;
    if (sd_bus_message_new_signal(&bus, &signal, bus_path, bus_name, "Event") >= 0 &&
        append_dict(*signal, to_json(event)) >= 0) {
        (void)sd_bus_send(&bus, signal, nullptr);
    }
    sd_bus_message_unref(signal);
}

void send_typed(sd_bus& bus, const SignalOfKind& row, const EventSnapshot& event) {
    const auto text = [&](Member member) { return (event.*member).c_str(); };
    if (row.fourth == nullptr) {
        (void)sd_bus_emit_signal(&bus, bus_path, bus_name, row.signal, "sss", event.home.c_str(),
                                 text(row.second), text(row.third));
    } else {
        (void)sd_bus_emit_signal(&bus, bus_path, bus_name, row.signal, "ssss", event.home.c_str(),
                                 text(row.second), text(row.third), text(row.fourth));
    }
}

}  // namespace

void BusSignals::send(sd_bus& bus, const EventSnapshot& event) {
    if (!is_for_the_bus(event.kind)) return;
    std::uint64_t waiting = 0;
    if (sd_bus_get_n_queued_write(&bus, &waiting) < 0 || waiting >= max_waiting) {
        ++lost_;
        return;
    }
    if (lost_ > 0) {
        (void)sd_bus_emit_signal(&bus, bus_path, bus_name, "EventsLost", "t", lost_);
        lost_ = 0;
    }
    const auto* found = std::ranges::find(signals_of_kinds, event.kind, &SignalOfKind::kind);
    if (found != std::end(signals_of_kinds)) send_typed(bus, *found, event);
    send_general(bus, event);
}

}  // namespace relay
