#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/control/json.h"
#include "daemon/bus/bus.h"
#include "daemon/bus/bus_calls.h"
#include "daemon/bus/bus_connection.h"
#include "daemon/bus/bus_names.h"
#include "daemon/bus/bus_signals.h"
#include "daemon/bus/bus_values.h"

namespace relay {

namespace {

constexpr const char* usual_address = "unix:path=/run/dbus/system_bus_socket";
// Properties that change are told this long after an event, once for all events in between.
constexpr Duration settle_time = std::chrono::seconds(1);

struct Property {
    std::string_view name;
    const char* field;  // Of the status.
    char type;          // As append_member() wants it.
};

constexpr Property properties[] = {
    {"Version", "version", 's'},
    {"Role", "role", 's'},
    {"Identity", "identity", 's'},
    {"Home", "home", 's'},
    {"Listen", "listen", 'a'},
    {"Relays", "relays", 'a'},
    {"HomesKnown", "homes_known", 't'},
    {"Sessions", "sessions", 't'},
    {"SessionsDetached", "sessions_detached", 't'},
    {"Streams", "streams", 't'},
    {"Forwards", "forwards", 't'},
    {"Problems", "problems", 'a'},
};

std::string bus_address() {
    const char* address = std::getenv("DBUS_SYSTEM_BUS_ADDRESS");
    return address == nullptr ? usual_address : address;
}

class SystemBus final : public Bus, public EventSink {
public:
    SystemBus(Loop& loop, Operations& operations, Log& log, const std::string& group)
        : operations_(operations),
          log_(log),
          connection_(loop, bus_address(),
                      {.on_open = [this](sd_bus& bus) { return opened(bus); },
                       .on_close = [this](const std::string& why) { closed(why); }}),
          calls_(connection_, operations, log, group),
          changed_(loop, [this] { tell_changes(); }),
          stale_(loop, [this] { status_.clear(); }) {
        operations_.subscribe(*this);
    }
    ~SystemBus() override { operations_.unsubscribe(*this); }

    void event_happened(const EventSnapshot& event) override {
        if (!is_named_) return;
        signals_.send(*connection_.bus(), event);
        if (!changed_.is_armed()) changed_.arm(settle_time);
        connection_.sent();
    }

    void receive(sd_bus_message& message) { calls_.receive(message); }
    int append_property(sd_bus_message& reply, const char* name) {
        const auto* found = std::ranges::find(properties, name, &Property::name);
        if (found == std::end(properties)) return -ENOENT;
        if (status_.empty()) status_ = to_json(operations_.status());
        stale_.schedule();
        connection_.sent();
        return append_member(reply, status_, found->field, found->type);
    }

private:
    int opened(sd_bus& bus);
    void closed(const std::string& why) {
        calls_.forget_all();
        changed_.disarm();
        if (is_named_ || why != untold_) log_.info({}, "not on D-Bus: {}; trying again", why);
        untold_ = why;
        is_named_ = false;
    }
    // The bus has an answer to our wish for the name.
    void name_answered(sd_bus_message& reply) {
        if (const sd_bus_error* error = sd_bus_message_get_error(&reply)) {
            return connection_.refuse(error->message == nullptr ? error->name : error->message);
        }
        if (!is_named_) log_.info({}, "another program is {} on D-Bus: waiting for it", bus_name);
    }
    void name_acquired(sd_bus_message& message) {
        const char* name = "";
        if (sd_bus_message_read_basic(&message, 's', &name) <= 0) return;
        if (std::string_view(name) != bus_name) return;
        is_named_ = true;
        connection_.welcome();
        log_.info({}, "on D-Bus as {}", bus_name);
    }
    void tell_changes() {
        if (!is_named_) return;
        sd_bus_emit_properties_changed(connection_.bus(), bus_path, bus_name, "HomesKnown",
                                       "Sessions", "SessionsDetached", "Forwards", "Problems",
                                       nullptr);
        connection_.sent();
    }

    Operations& operations_;
    Log& log_;
    bool is_named_ = false;
    std::string untold_ = std::strerror(ENOENT);  // No bus at all: nothing to speak of.
    std::string status_;                          // As JSON, for the properties of one turn.
    BusSignals signals_;
    BusConnection connection_;
    BusCalls calls_;
    UvTimer changed_;
    Deferred stale_;
};

int call_came(sd_bus_message* message, void* bus, sd_bus_error*) {
    static_cast<SystemBus*>(bus)->receive(*message);
    return 1;
}

int property_asked(sd_bus*, const char*, const char*, const char* name, sd_bus_message* reply,
                   void* bus, sd_bus_error*) {
    return static_cast<SystemBus*>(bus)->append_property(*reply, name);
}

// Unprivileged in the sense of sd-bus, whose own check would wait for the bus: BusCalls checks.
constexpr std::uint64_t checked = SD_BUS_VTABLE_UNPRIVILEGED;

#define RELAY_QUESTION(name) \
    SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", ok), call_came, checked)
#define RELAY_METHOD(name)                                                                \
    SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS("a{sv}", with), SD_BUS_RESULT("a{sv}", ok), \
                            call_came, checked)

// Macros, as sd-bus itself offers nothing else to write such a table with.
const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Version", "s", property_asked, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Role", "s", property_asked, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Identity", "s", property_asked, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Home", "s", property_asked, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Listen", "as", property_asked, 0, 0),
    SD_BUS_PROPERTY("Relays", "as", property_asked, 0, 0),
    SD_BUS_PROPERTY("HomesKnown", "t", property_asked, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Sessions", "t", property_asked, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("SessionsDetached", "t", property_asked, 0,
                    SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Streams", "t", property_asked, 0, 0),
    SD_BUS_PROPERTY("Forwards", "t", property_asked, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Problems", "as", property_asked, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    RELAY_QUESTION("Status"),
    RELAY_METHOD("ListSessions"),
    RELAY_METHOD("ListStreams"),
    RELAY_METHOD("ListForwards"),
    RELAY_METHOD("ListHomes"),
    RELAY_QUESTION("ListInvitations"),
    RELAY_QUESTION("ListAllowed"),
    RELAY_METHOD("AddForward"),
    RELAY_METHOD("RemoveForward"),
    RELAY_METHOD("CloseSession"),
    RELAY_METHOD("CloseStream"),
    RELAY_METHOD("AddHome"),
    RELAY_METHOD("RemoveHome"),
    RELAY_METHOD("Invite"),
    RELAY_METHOD("RevokeInvitation"),
    RELAY_METHOD("Allow"),
    RELAY_METHOD("Probe"),
    RELAY_QUESTION("Reload"),
    SD_BUS_METHOD_WITH_ARGS("Call", SD_BUS_ARGS("s", method, "a{sv}", with),
                            SD_BUS_RESULT("a{sv}", ok), call_came, checked),
    SD_BUS_SIGNAL_WITH_ARGS("SessionUp", SD_BUS_ARGS("s", home, "s", session, "s", address), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionDown", SD_BUS_ARGS("s", home, "s", session, "s", why), 0),
    SD_BUS_SIGNAL_WITH_ARGS("SessionEnded", SD_BUS_ARGS("s", home, "s", session, "s", why), 0),
    SD_BUS_SIGNAL_WITH_ARGS("Takeover", SD_BUS_ARGS("s", home, "s", session, "s", address), 0),
    SD_BUS_SIGNAL_WITH_ARGS("ProbeFailed",
                            SD_BUS_ARGS("s", home, "s", forward, "s", verdict, "s", detail), 0),
    SD_BUS_SIGNAL_WITH_ARGS("ProbeRecovered", SD_BUS_ARGS("s", home, "s", forward, "s", detail), 0),
    SD_BUS_SIGNAL_WITH_ARGS("ForwardFailed", SD_BUS_ARGS("s", home, "s", forward, "s", detail), 0),
    SD_BUS_SIGNAL_WITH_ARGS("ForwardListening", SD_BUS_ARGS("s", home, "s", forward, "s", detail),
                            0),
    SD_BUS_SIGNAL_WITH_ARGS("Event", SD_BUS_ARGS("a{sv}", event), 0),
    SD_BUS_SIGNAL_WITH_ARGS("EventsLost", SD_BUS_ARGS("t", count), 0),
    SD_BUS_VTABLE_END,
};

int SystemBus::opened(sd_bus& bus) {
    int result = sd_bus_add_object_vtable(&bus, nullptr, bus_path, bus_name, vtable, this);
    if (result < 0) return result;
    result = sd_bus_match_signal_async(
        &bus, nullptr, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "NameAcquired",
        [](sd_bus_message* message, void* data, sd_bus_error*) {
            static_cast<SystemBus*>(data)->name_acquired(*message);
            return 0;
        },
        nullptr, this);
    if (result < 0) return result;
    // Another relayd of this machine may have the name: our turn comes when that one ends.
    return sd_bus_request_name_async(
        &bus, nullptr, bus_name, SD_BUS_NAME_QUEUE,
        [](sd_bus_message* reply, void* data, sd_bus_error*) {
            static_cast<SystemBus*>(data)->name_answered(*reply);
            return 1;
        },
        this);
}

}  // namespace

std::unique_ptr<Bus> join_bus(Loop& loop, Operations& operations, Log& log,
                              const std::string& group) {
    return std::make_unique<SystemBus>(loop, operations, log, group);
}

}  // namespace relay
