#include "daemon/roles/home_role.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/forwards/kept_socket.h"
#include "daemon/io/system_clock.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

HomeRole::HomeRole(const RoleContext& context, const HomeSettings& settings)
    : context_(context),
      settings_(settings),
      allow_file_(context.state_dir + "/allow"),
      house_{context_, settings_, more_allow_, events_},
      sweep_(context.loop,
             [this] {
                 done_checkups_.clear();
                 left_.clear();
             }),
      started_(now()) {
    for (const auto& [name, relay] : relays_of(settings_)) (void)add_relay(name, relay);
}

HomeRole::~HomeRole() = default;

HomeRelay& HomeRole::add_relay(const std::string& name, HomeRelaySettings settings) {
    settings.name = settings_.name;
    auto& relay = relays_[name];
    relay = std::make_unique<HomeRelay>(house_, name, settings);
    return *relay;
}

Status HomeRole::start() {
    const auto lines = allow_file_.load();
    if (!lines) return lines.error();
    for (const std::string& line : *lines) {
        const auto rule = parse_allow_rule(line);
        if (!rule) {
            return Error{ErrorCode::Malformed, fmt::format("{}: \"{}\": {}", allow_file_.path(),
                                                           line, rule.error().text)};
        }
        more_allow_.push_back(*rule);
    }
    for (const auto& [name, relay] : relays_) relay->listen();
    go_on();
    for (const auto& [name, relay] : relays_) relay->begin();
    return Done{};
}

void HomeRole::stop() {
    checkups_.clear();
    for (const auto& [name, relay] : relays_) relay->stop();
    for (const auto& relay : leaving_) relay->stop();
}

void HomeRole::go_on() {
    if (context_.remains != nullptr) {
        for (const SessionRemains& remains : SessionRemains::all_in(*context_.remains)) {
            if (remains.record().side != Side::Home) continue;
            const auto relay = relays_.find(std::string{remains.record().owner_name()});
            // The sockets of others are nobody's, and are ended with those.
            if (relay != relays_.end()) relay->second->go_on_with(remains);
        }
    }
    Parking& parking = context_.parking;
    for (const auto& left : parking.found()) {
        UniqueFd socket = parking.claim(left.id);
        if (is_listening(socket.get())) {
            TcpListener::end(std::move(socket), parking);
            continue;
        }
        const bool is_taken = std::any_of(relays_.begin(), relays_.end(), [&](const auto& relay) {
            return relay.second->take_untouched(socket);
        });
        if (!is_taken) end_forgotten(parking, std::move(socket));
    }
}

std::string HomeRole::status_line() const {
    std::size_t streams = 0;
    std::vector<std::string> with;
    for (const auto& [name, relay] : relays_) {
        if (!relay->attached()) continue;
        with.push_back(name.empty() ? relay->endpoint() : name);
        streams += relay->driver()->session().streams().size();
    }
    if (with.empty()) return "not connected to a relay";
    const std::string of = with.size() < relays_.size()
                               ? fmt::format(" ({} of {} relays)", with.size(), relays_.size())
                               : "";
    return fmt::format("connected to {}{}, {} streams", fmt::join(with, ", "), of, streams);
}

}  // namespace relay
