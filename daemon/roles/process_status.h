// What every role says of its process.
#pragma once

#include "common/control/snapshot.h"
#include "daemon/roles/role.h"

namespace relay {

// All but what the role alone knows. Descriptors that run out are a problem already.
StatusSnapshot status_of_process(const RoleContext& context, TimePoint started);

}  // namespace relay
