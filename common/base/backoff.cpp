#include "common/base/backoff.h"

#include <algorithm>

namespace relay {

Duration Backoff::next() {
    Duration step = limits_.first;
    for (unsigned i = 0; i < failures_ && step < limits_.longest; ++i) step *= 2;
    step = std::min(step, limits_.longest);
    ++failures_;
    const auto most = static_cast<std::uint64_t>((step - step / 16).count());
    return step - Duration{static_cast<Duration::rep>(random_.u64() % (most + 1))};
}

}  // namespace relay
