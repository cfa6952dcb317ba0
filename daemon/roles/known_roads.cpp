#include "daemon/roles/known_roads.h"

#include <algorithm>

namespace relay {

namespace {

std::string key_of(const Endpoint& relay) {
    return to_text(relay) + " ";
}

}  // namespace

std::optional<RoadKind> KnownRoads::lookup(const Endpoint& relay) const {
    const auto lines = file_.load();
    if (!lines) return std::nullopt;
    const std::string key = key_of(relay);
    for (const std::string& line : *lines) {
        if (line.starts_with(key)) return road_named(std::string_view{line}.substr(key.size()));
    }
    return std::nullopt;
}

Status KnownRoads::remember(const Endpoint& relay, RoadKind road) const {
    auto lines = file_.load();
    std::vector<std::string> kept = lines ? std::move(*lines) : std::vector<std::string>{};
    const std::string key = key_of(relay);
    std::erase_if(kept, [&](const std::string& line) { return line.starts_with(key); });
    if (kept.size() >= most) kept.erase(kept.begin());
    kept.push_back(key + std::string{name_of(road)});
    return file_.save("the road that led to each relay last; tried first the next time", kept);
}

}  // namespace relay
