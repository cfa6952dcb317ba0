#include "daemon/app/inheritance.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "daemon/log/message_ids.h"

namespace relay {

namespace {

constexpr std::string_view arena_prefix = "arena-";
constexpr std::string_view parking_name = "parking";
constexpr std::string_view any_ipv4 = "0.0.0.0";
constexpr std::string_view any_ipv6 = "::";

// "arena-7": the seventh of this service. Nothing: something else.
std::optional<std::uint64_t> generation_in(std::string_view name) {
    if (!name.starts_with(arena_prefix)) return std::nullopt;
    name.remove_prefix(arena_prefix.size());
    std::uint64_t generation = 0;
    const auto end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data(), end, generation);
    return error == std::errc{} && rest == end ? std::optional{generation} : std::nullopt;
}

}  // namespace

Inheritance::Inheritance(Log& log, ServiceManager& service) : log_(log), service_(service) {
    auto kept = ServiceManager::take_kept();
    take_arenas(kept);
    Parking::Ends ends;
    std::vector<ServiceManager::Kept> passed;
    for (const auto& each : kept) {
        if (each.name == parking_name) {
            (ends[0] ? ends[1] : ends[0]).reset(each.descriptor);
        } else if (!generation_in(each.name)) {
            passed.push_back(each);
        }
    }
    parking_ = make_parking(std::move(ends));
    for (const auto& each : passed) {
        if (parking_->passed().add(UniqueFd{each.descriptor})) continue;
        log_.warning({.message_id = message_id::socket_not_served},
                     "the service manager passes \"{}\", which is no listening TCP socket",
                     each.name);
    }
}

std::unique_ptr<Parking> Inheritance::make_parking(Parking::Ends kept_ends) {
    if (!kept_ends[1]) {
        if (kept_ends[0]) service_.forget(std::string{parking_name});
        auto made = Parking::make_ends();
        if (!service_.listens() || !made) return std::make_unique<Parking>();
        kept_ends = std::move(*made);
        service_.keep(std::string{parking_name}, {kept_ends[0].get(), kept_ends[1].get()});
    }
    return std::make_unique<Parking>(std::move(kept_ends), [this](const std::string& why) {
        log_.warning({.message_id = message_id::descriptors_not_kept}, "{}", why);
    });
}

void Inheritance::complete(Settings& settings) const {
    if (!settings.relay) return;
    auto& listen = settings.relay->listen;
    const auto listed = listen;
    for (const Endpoint& endpoint : listed) {
        Endpoint other = endpoint;
        if (endpoint.host == any_ipv4) {
            other.host = any_ipv6;
        } else if (endpoint.host == any_ipv6) {
            other.host = any_ipv4;
        } else {
            continue;
        }
        const bool is_passed = parking_->passed().has(to_text(HostPort{other.host, other.port}));
        const bool is_listed = std::any_of(listed.begin(), listed.end(), [&](const Endpoint& each) {
            return each.host == other.host && each.port == other.port;
        });
        if (is_passed && !is_listed) listen.push_back(other);
    }
}

void Inheritance::say_unserved(const Settings& settings) const {
    for (const std::string& address : parking_->passed().unserved()) {
        log_.warning({.message_id = message_id::socket_not_served},
                     "the service manager listens on {} for us, and {}", address,
                     settings.relay   ? "no listen: and no forward is about it: who connects there "
                                        "waits in vain"
                     : settings.visit ? "no forward is about it: who connects there waits in vain"
                                      : "a home listens to nothing: systemctl disable --now "
                                        "relayd.socket; systemctl start relayd");
    }
}

// The newest counts: older ones are there only if a process was killed while it took over.
void Inheritance::take_arenas(std::vector<ServiceManager::Kept>& kept) {
    UniqueFd newest;
    for (const auto& each : kept) {
        const auto generation = generation_in(each.name);
        if (!generation) continue;
        former_names_.push_back(each.name);
        UniqueFd descriptor{each.descriptor};
        if (*generation <= generation_) continue;
        generation_ = *generation;
        newest = std::move(descriptor);
    }
    if (!newest) return;
    auto memory = ArenaMemory::map(std::move(newest));
    const auto remains =
        memory ? ArenaRemains::open(memory->bytes()) : Result<ArenaRemains>{memory.error()};
    if (!remains) {
        log_.error({.message_id = message_id::streams_lost},
                   "cannot go on with the streams of the former process, so they are closed: {}",
                   remains.error().text);
        return;
    }
    former_.emplace(std::move(*memory));
    remains_ = *remains;
}

void Inheritance::replace_by(const ArenaMemory& own) {
    if (!parking_->is_active()) return;
    service_.keep(fmt::format("{}{}", arena_prefix, generation_ + 1), {own.descriptor()});
    for (const std::string& name : former_names_) service_.forget(name);
    former_names_.clear();
    remains_.reset();
    former_.reset();
}

}  // namespace relay
