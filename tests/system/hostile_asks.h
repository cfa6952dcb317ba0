// A home that asks for what it may not have: forwards, and streams to what is not its business.
// Each prints how often it heard what.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/crypto/ed25519.h"

namespace relay::hostile {

// 256 forwards at ports, addresses and names that it may not have, or that are none. `first` is the
// first port that it may have, at 127.0.0.1.
void ask_forbidden(const PrivateKey& key, std::uint16_t port, std::size_t first);
// The fifty that it may have, none, the fifty again, and so on, 2000 times.
void ask_and_withdraw(const PrivateKey& key, std::uint16_t port, std::size_t first);
// So many streams to forwards of others, targets of the relay and names that nobody has.
void reach_flood(const PrivateKey& key, std::uint16_t port, std::size_t count);

}  // namespace relay::hostile
