// Names a forward of this process, in whatever home.
#pragma once

#include <cstdint>

#include "common/base/strong_id.h"

namespace relay {

using ForwardId = StrongId<struct ForwardTag, std::uint64_t>;

}  // namespace relay
