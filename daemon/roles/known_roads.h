// By which road each relay was reached last, kept over a restart: a hint of where to begin, so that
// a file that cannot be read or makes no sense says nothing.
#pragma once

#include <optional>

#include "common/base/endpoint.h"
#include "common/roads/road_kind.h"
#include "daemon/roles/line_file.h"

namespace relay {

class KnownRoads {
public:
    static constexpr std::size_t most = 64;  // The oldest is forgotten.

    explicit KnownRoads(const std::string& state_dir) : file_(state_dir + "/known_roads") {}

    // Blocking, both.
    std::optional<RoadKind> lookup(const Endpoint& relay) const;
    Status remember(const Endpoint& relay, RoadKind road) const;

private:
    LineFile file_;
};

}  // namespace relay
