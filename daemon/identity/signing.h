// Signatures by the own identity, wherever its key lies.
#pragma once

#include <functional>

#include "daemon/identity/identity.h"
#include "daemon/io/worker.h"

namespace relay {

// Signs at once, or on a worker when an agent has the key. `done` may destroy the ticket's owner.
WorkTicket sign(Loop& loop, const Identity& identity, ByteVector message,
                std::function<void(Result<Signature>)> done);

}  // namespace relay
