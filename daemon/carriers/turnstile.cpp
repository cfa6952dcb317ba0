#include "daemon/carriers/turnstile.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

IpAddress source_of(std::string_view peer_address) {
    std::string_view host = peer_address.substr(0, peer_address.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto address = parse_ip_address(host);
    if (!address) return {};
    IpAddress source = *address;
    // A host has a whole /64 to choose addresses from.
    if (!source.is_v4()) std::fill(source.bytes.begin() + 8, source.bytes.end(), std::uint8_t{0});
    return source;
}

GuestId Turnstile::arrived(const IpAddress& address) {
    const GuestId guest{++last_};
    Source& source = sources_[address];
    const std::size_t before = source.outside();
    source.silent.insert(guest);
    guests_.emplace(guest, address);
    weigh(address, source, before);
    return guest;
}

void Turnstile::is_of(GuestId guest, const IpAddress& address) {
    const IpAddress former = guests_.at(guest);
    if (former == address) return;
    Source& from = sources_.at(former);
    if (from.silent.count(guest) == 0) return;
    gone(guest);
    Source& to = sources_[address];
    const std::size_t before = to.outside();
    to.silent.insert(guest);
    guests_.emplace(guest, address);
    weigh(address, to, before);
}

void Turnstile::spoke(GuestId guest) {
    const IpAddress address = guests_.at(guest);
    Source& source = sources_.at(address);
    if (source.silent.erase(guest) == 0) return;
    source.waiting.push_back(guest);
    if (source.has_turn) return;
    source.has_turn = true;
    turns_.push_back(address);
}

void Turnstile::gone(GuestId guest) {
    const auto found = guests_.find(guest);
    check(found != guests_.end());
    const IpAddress address = found->second;
    Source& source = sources_.at(address);
    const std::size_t before = source.outside();
    if (source.silent.erase(guest) == 0) std::erase(source.waiting, guest);
    guests_.erase(found);
    weigh(address, source, before);
    forget_if_empty(address);
}

// Nobody alone can fill the house: whatever one source has inside, another finds as much free.
bool Turnstile::may_enter(const Source& source) const {
    return inside_ < limits_.inside_most && source.inside < limits_.inside_most - inside_;
}

bool Turnstile::anyone_may_enter() const {
    return std::any_of(turns_.begin(), turns_.end(), [&](const IpAddress& address) {
        const auto found = sources_.find(address);
        return found != sources_.end() && !found->second.waiting.empty() &&
               may_enter(found->second);
    });
}

std::optional<GuestId> Turnstile::next() {
    for (std::size_t tries = turns_.size(); tries > 0; --tries) {
        const IpAddress address = turns_.front();
        turns_.pop_front();
        const auto found = sources_.find(address);
        if (found == sources_.end()) continue;
        Source& source = found->second;
        if (source.waiting.empty()) {
            source.has_turn = false;
            continue;
        }
        turns_.push_back(address);
        if (!may_enter(source)) continue;
        const std::size_t before = source.outside();
        const GuestId guest = source.waiting.front();
        source.waiting.pop_front();
        ++source.inside;
        ++inside_;
        guests_.erase(guest);
        weigh(address, source, before);
        return guest;
    }
    return std::nullopt;
}

bool Turnstile::enter_at_once(const IpAddress& address) {
    if (!may_enter(sources_[address])) {
        forget_if_empty(address);
        return false;
    }
    ++sources_[address].inside;
    ++inside_;
    return true;
}

void Turnstile::left(const IpAddress& address) {
    Source& source = sources_.at(address);
    check(source.inside > 0);
    --source.inside;
    --inside_;
    forget_if_empty(address);
}

std::optional<GuestId> Turnstile::least_welcome() const {
    if (by_weight_.empty()) return std::nullopt;
    const Source& heaviest = sources_.at(by_weight_.rbegin()->second);
    return heaviest.silent.empty() ? heaviest.waiting.back() : *heaviest.silent.begin();
}

void Turnstile::weigh(const IpAddress& address, const Source& source, std::size_t before) {
    if (before > 0) by_weight_.erase({before, address});
    if (source.outside() > 0) by_weight_.emplace(source.outside(), address);
}

void Turnstile::forget_if_empty(const IpAddress& address) {
    const auto found = sources_.find(address);
    if (found == sources_.end()) return;
    if (found->second.outside() > 0 || found->second.inside > 0) return;
    if (found->second.has_turn) std::erase(turns_, address);
    sources_.erase(found);
}

}  // namespace relay
