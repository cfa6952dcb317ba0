#include "daemon/forwards/visitor_guard.h"

#include <algorithm>

namespace relay {

namespace {

constexpr auto remembered = std::chrono::hours{1};
constexpr double seconds_per_minute = 60;

Cidr source_of(const IpAddress& address) {
    return network_of(address, address.is_v4() ? 128 : 64);
}

bool is_refused(const VisitorGuard::Source& source, TimePoint now) {
    return source.refused_until && now < *source.refused_until;
}

}  // namespace

std::optional<IpAddress> address_in(std::string_view address_and_port) {
    auto host = address_and_port.substr(0, address_and_port.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto address = parse_ip_address(host);
    return address ? std::optional{*address} : std::nullopt;
}

void VisitorGuard::set(const GuardSettings& settings) {
    settings_ = settings;
    std::erase_if(sources_, [](const auto& entry) { return !entry.second.source.refused_until; });
}

VisitorGuard::Answer VisitorGuard::came(const IpAddress& from, TimePoint now) {
    if (is_exempt(from)) return Answer::Admit;
    Counted& entry = counted(from, now);
    entry.source.last_came = now;
    ++entry.source.came;
    if (is_refused(entry.source, now)) {
        ++entry.source.refused;
        return Answer::Refuse;
    }
    if (entry.comings.take(now)) return Answer::Admit;
    ++entry.source.refused;
    refuse(entry, Fault::TooMany, now);
    return Answer::RefuseFromNow;
}

bool VisitorGuard::ended(const IpAddress& from, Duration lasted, TimePoint now) {
    if (lasted >= brief || is_exempt(from)) return false;
    const auto found = sources_.find(source_of(from));
    if (found == sources_.end()) return false;
    Counted& entry = found->second;
    ++entry.source.brief;
    if (entry.briefs.take(now) || is_refused(entry.source, now)) return false;
    refuse(entry, Fault::TooBrief, now);
    return true;
}

std::vector<VisitorGuard::Source> VisitorGuard::sources(TimePoint now) const {
    std::vector<Source> listed;
    for (const auto& [network, entry] : sources_) {
        const bool is_recent = now - entry.source.last_came < remembered;
        if (is_recent || is_refused(entry.source, now)) listed.push_back(entry.source);
    }
    return listed;
}

bool VisitorGuard::release(const IpAddress& address) {
    return sources_.erase(source_of(address)) > 0;
}

bool VisitorGuard::is_exempt(const IpAddress& from) const {
    return from.is_loopback() ||
           std::any_of(settings_.always.begin(), settings_.always.end(),
                       [&](const Cidr& network) { return network.contains(from); });
}

VisitorGuard::Counted& VisitorGuard::counted(const IpAddress& from, TimePoint now) {
    const Cidr network = source_of(from);
    const auto found = sources_.find(network);
    if (found != sources_.end()) return found->second;
    if (sources_.size() >= sources_most) make_room(now);
    const double brief_seconds = std::chrono::duration<double>(brief_window).count();
    Counted entry{
        .source = {.network = network, .refused_until = {}, .last_came = now},
        .comings = {static_cast<double>(settings_.connections),
                    settings_.connections / seconds_per_minute, now},
        // The one that is too many is not let through.
        .briefs = {static_cast<double>(settings_.brief - 1), settings_.brief / brief_seconds, now}};
    return sources_.emplace(network, std::move(entry)).first->second;
}

void VisitorGuard::make_room(TimePoint now) {
    const auto rank = [now](const auto& entry) {
        return std::pair{is_refused(entry.second.source, now), entry.second.source.last_came};
    };
    sources_.erase(std::min_element(
        sources_.begin(), sources_.end(),
        [&](const auto& one, const auto& other) { return rank(one) < rank(other); }));
}

void VisitorGuard::refuse(Counted& entry, Fault fault, TimePoint now) const {
    entry.source.fault = fault;
    entry.source.refused_until = now + settings_.refuse_for;
}

}  // namespace relay
