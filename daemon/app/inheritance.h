// What a former process of this service has left with the service manager, and leaving ours there:
// the memory of its streams, and the socketpair in which its sockets are parked. Whether this
// process is stopped or killed makes no difference: there is one way to go. And the listening
// sockets that the service manager opens by itself. Names tell what is what: "parking" and
// "arena-N" are ours, everything else comes from a .socket unit.
#pragma once

#include <memory>
#include <optional>

#include "common/session/arena.h"
#include "common/settings/settings.h"
#include "daemon/io/arena_memory.h"
#include "daemon/io/parking.h"
#include "daemon/log/log.h"
#include "daemon/log/service_manager.h"

namespace relay {

class Inheritance {
public:
    // Takes over what there is. `log` and `service` outlive it.
    Inheritance(Log& log, ServiceManager& service);

    Parking& parking() { return *parking_; }
    // Null: nothing, or nothing that can be read.
    const ArenaRemains* remains() const { return remains_ ? &*remains_ : nullptr; }

    // Homes come by each passed address of which a listen: means the other family: who listens on
    // 0.0.0.0:443 and has a [::]:443 passed takes both.
    void complete(Settings& settings) const;
    // Says which passed sockets nobody serves.
    void say_unserved(const Settings& settings) const;

    // From now on `own` is what the next process goes on with. What was inherited is forgotten.
    void replace_by(const ArenaMemory& own);

private:
    void take_arenas(std::vector<ServiceManager::Kept>& kept);
    std::unique_ptr<Parking> make_parking(Parking::Ends kept_ends);

    Log& log_;
    ServiceManager& service_;
    std::unique_ptr<Parking> parking_;
    std::vector<std::string> former_names_;
    std::uint64_t generation_ = 0;
    std::optional<ArenaMemory> former_;
    std::optional<ArenaRemains> remains_;
};

}  // namespace relay
