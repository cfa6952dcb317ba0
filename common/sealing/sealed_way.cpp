#include "common/sealing/sealed_way.h"

#include <algorithm>

#include "common/base/crash_fence.h"
#include "common/crypto/hkdf.h"

namespace relay {

SealedWay behind_record(const SealedWay& way, std::size_t text_bytes) {
    SealedWay next = way;
    next.stream += text_bytes + record_extra_bytes;
    next.socket += text_bytes;
    next.ended = text_bytes == 0;
    if (++next.records % records_per_key == 0) {
        const Key256 key = hkdf_expand(way.key, "relayd-seal-next");
        std::copy(key.view().begin(), key.view().end(), next.key.begin());
    }
    return next;
}

void SealedPlace::move_to(const SealedWay& next) {
    ways_[(turn_ + 1) & 1] = next;
    crash_fence();
    ++turn_;
    crash_fence();
}

}  // namespace relay
