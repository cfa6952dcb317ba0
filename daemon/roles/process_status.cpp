#include "daemon/roles/process_status.h"

#include <fmt/format.h>
#include <unistd.h>

#include "common/crypto/fingerprint.h"
#include "daemon/io/resources.h"
#include "daemon/roles/event_hub.h"

namespace relay {

StatusSnapshot status_of_process(const RoleContext& context, TimePoint started) {
    StatusSnapshot status;
    status.version = RELAYD_VERSION;
    status.pid = getpid();
    status.started = moment_at(started);
    status.identity = to_text(fingerprint_of(context.identity.public_key()));
    status.config = context.config_path;
    status.log_level = name_of(context.log.least());
    const Resources resources = resources_of(context.loop);
    status.resources = {.memory_bytes = resources.memory_bytes,
                        .stream_memory_bytes = context.arena.used_bytes(),
                        .descriptors = resources.descriptors,
                        .descriptors_most = resources.descriptors_most,
                        .timers = resources.timers,
                        .handles = resources.handles};
    if (resources.descriptors > resources.descriptors_most / 10 * 9) {
        status.problems.push_back(fmt::format(
            "{} of {} descriptors are in use: set LimitNOFILE= higher, in systemctl edit relayd",
            resources.descriptors, resources.descriptors_most));
    }
    if (context.gates != nullptr && !context.gates->problem().empty()) {
        status.problems.push_back(context.gates->problem());
    }
    return status;
}

}  // namespace relay
