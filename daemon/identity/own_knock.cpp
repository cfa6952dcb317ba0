#include "daemon/identity/own_knock.h"

#include "common/gates/signed_knock.h"
#include "daemon/io/system_clock.h"

namespace relay {

Result<ByteVector> own_knock(const Identity& identity, Random& random, const std::string& gate) {
    SignedKnock knock{.key = key_id_of(identity.public_key()), .gate = gate};
    knock.unix_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
            .count());
    random.fill(knock.nonce);
    return make_knock(knock, [&](Bytes message) { return identity.sign(message); });
}

}  // namespace relay
