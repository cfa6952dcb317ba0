#include "daemon/identity/signing.h"

namespace relay {

WorkTicket sign(Loop& loop, const Identity& identity, ByteVector message,
                std::function<void(Result<Signature>)> done) {
    if (const PrivateKey* key = identity.private_key()) {
        done(key->sign(message));
        return {};
    }
    return run_on_worker<Result<Signature>>(
        loop, [identity, message = std::move(message)] { return identity.sign(message); },
        std::move(done));
}

}  // namespace relay
