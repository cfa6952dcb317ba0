#include "daemon/roles/uplinks.h"

#include <algorithm>

namespace relay {

namespace {

// Where a carrier begins that is to follow another one: no uplink has it for its first.
std::uint8_t other_slot(unsigned slot, unsigned carriers) {
    const unsigned other = carriers + slot;
    return static_cast<std::uint8_t>(other < max_carriers ? other : slot);
}

}  // namespace

Uplinks::Uplinks(const RoleContext& context, const DialSettings& settings,
                 const Uplink::Owner& owner) {
    for (unsigned slot = 0; slot < settings.carriers; ++slot) {
        const auto number = static_cast<std::uint8_t>(slot);
        const auto is_taken = [this, number](const Endpoint& endpoint) {
            return this->is_taken(number, endpoint);
        };
        uplinks_.push_back(std::make_unique<Uplink>(
            context, settings, Uplink::Slot{number, other_slot(slot, settings.carriers), is_taken},
            owner));
    }
}

bool Uplinks::is_taken(std::uint8_t by_other_than, const Endpoint& endpoint) const {
    return std::any_of(uplinks_.begin(), uplinks_.end(), [&](const auto& uplink) {
        return uplink->number() != by_other_than && uplink->is_connected() &&
               uplink->endpoint() == endpoint;
    });
}

void Uplinks::begin() {
    rest();
    uplinks_.front()->dial_anew();
}

void Uplinks::begin_later(const std::string& why) {
    rest();
    uplinks_.front()->dial_later(why);
}

void Uplinks::begin_much_later(const std::string& why, std::string_view message_id) {
    rest();
    uplinks_.front()->dial_much_later(why, message_id);
}

void Uplinks::rest() {
    for (const auto& uplink : uplinks_) {
        uplink->lost();
        uplink->stop();
    }
}

void Uplinks::follow(SessionDriver& driver) {
    bool is_ready = false;
    for (const auto& uplink : uplinks_) is_ready |= uplink->follow(driver);
    if (!is_ready) return;
    for (const auto& uplink : uplinks_) {
        if (uplink->is_idle()) uplink->dial_at_once();
    }
}

void Uplinks::hurry() {
    for (const auto& uplink : uplinks_) {
        if (uplink->is_waiting()) uplink->dial_at_once();
    }
}

void Uplinks::stop() {
    for (const auto& uplink : uplinks_) uplink->stop();
}

void Uplinks::set(const DialSettings& settings) {
    for (const auto& uplink : uplinks_) uplink->set(settings);
}

std::vector<std::string> Uplinks::problems() const {
    std::vector<std::string> problems;
    for (const auto& uplink : uplinks_) {
        const auto& problem = uplink->problem();
        const bool is_new = std::find(problems.begin(), problems.end(), problem) == problems.end();
        if (!problem.empty() && is_new) problems.push_back(problem);
    }
    return problems;
}

}  // namespace relay
