#include "daemon/app/inheritance.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "daemon/log/message_ids.h"

namespace relay {

namespace {

constexpr std::string_view arena_prefix = "arena-";
constexpr std::string_view parking_name = "parking";

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
    std::size_t found = 0;
    for (const auto& each : kept) {
        if (each.name == parking_name && found < ends.size()) {
            ends[found++].reset(each.descriptor);
        } else if (!generation_in(each.name)) {
            UniqueFd{each.descriptor}.reset();  // Not ours.
        }
    }
    if (found != ends.size()) {
        if (found > 0) service_.forget(std::string{parking_name});
        auto made = Parking::make_ends();
        if (!service_.listens() || !made) {
            parking_ = std::make_unique<Parking>();
            return;
        }
        ends = std::move(*made);
        service_.keep(std::string{parking_name}, {ends[0].get(), ends[1].get()});
    }
    parking_ = std::make_unique<Parking>(
        std::move(ends), [this](const std::string& why) { log_.warning({}, "{}", why); });
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
