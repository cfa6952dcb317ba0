#include "daemon/roles/session_text.h"

#include <fmt/format.h>

#include "common/crypto/fingerprint.h"
#include "daemon/roles/event_hub.h"

namespace relay {

namespace {

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::string_view state_of(const StreamInfo& info) {
    if (info.sent_finish && info.received_finish) return "closing";
    if (info.sent_finish) return "visitor-done";
    if (info.received_finish) return "target-done";
    return info.connected ? "open" : "opening";
}

}  // namespace

std::string text_of_session(const SessionId& id) {
    std::string text;
    for (const std::uint8_t byte : id) text += fmt::format("{:02x}", byte);
    return text;
}

std::string_view name_of(CarrierKind kind) {
    switch (kind) {
        case CarrierKind::Wss: return "wss";
        case CarrierKind::Ws: return "ws";
        case CarrierKind::Tls: return "tls";
        case CarrierKind::Poll: return "poll";
    }
    return "unknown";
}

std::string end_text(std::optional<ResetReason> reset) {
    return reset ? fmt::format(": {}", name_of(*reset)) : "";
}

SessionSnapshot snapshot_of(const SessionDriver& driver) {
    SessionSnapshot snapshot;
    snapshot.id = text_of_session(driver.session().id());
    snapshot.state = driver.attached() ? "attached" : "detached";
    snapshot.since = moment_at(driver.since());
    snapshot.streams = driver.session().streams().size();
    snapshot.bytes_in = driver.bytes_in();
    snapshot.bytes_out = driver.bytes_out();
    for (const auto& view : driver.carriers()) {
        CarrierSnapshot carrier;
        carrier.kind = name_of(view.info.kind);
        carrier.slot = view.slot;
        carrier.road = view.info.road;
        carrier.address = view.info.peer_address;
        carrier.since = moment_at(view.since);
        if (view.stats.rtt) carrier.rtt_ms = milliseconds(*view.stats.rtt);
        carrier.bytes_in = view.counters.bytes_in;
        carrier.bytes_out = view.counters.bytes_out;
        snapshot.address = carrier.address;
        snapshot.rtt_ms = carrier.rtt_ms;
        snapshot.carriers.push_back(std::move(carrier));
    }
    return snapshot;
}

std::string road_text(const CarrierInfo& carrier) {
    const std::string_view by = carrier.road.empty()       ? ""
                                : carrier.road == "direct" ? ", "
                                                           : ", by ";
    return fmt::format("{}{}{}", name_of(carrier.kind), by, carrier.road);
}

std::vector<std::string> roads_of(const SessionDriver& driver) {
    std::vector<std::string> roads;
    for (const auto& view : driver.carriers()) roads.push_back(road_text(view.info));
    return roads;
}

StreamSnapshot snapshot_of(const StreamInfo& info) {
    StreamSnapshot snapshot;
    snapshot.id = info.id.value;
    snapshot.state = state_of(info);
    snapshot.bytes_in = info.bytes_received;
    snapshot.bytes_out = info.bytes_sent;
    snapshot.buffered_bytes = info.buffered_bytes;
    snapshot.end_to_end = info.sealed;
    if (info.sealed_with) snapshot.peer_key = to_text(fingerprint_of(*info.sealed_with));
    return snapshot;
}

void show_ftp(const FtpForward& ftp, ForwardSnapshot& into) {
    if (!ftp.is_on) return;
    into.protocol = "ftp";
    into.data_ports = ftp.data_ports ? to_text(*ftp.data_ports) : std::string{};
    into.ftp_tls = ftp.refuses_tls ? "refuse" : "pass";
}

}  // namespace relay
