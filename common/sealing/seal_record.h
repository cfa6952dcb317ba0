// All that one end of a sealed stream knows of its encryption, as plain data that an arena keeps:
// so that another process can go on with it (docs/CONTINUITY.md; PROTOCOL.md 11).
#pragma once

#include <array>
#include <type_traits>

#include "common/crypto/aead.h"
#include "common/crypto/ed25519.h"
#include "common/sealing/sealed_way.h"

namespace relay {

struct SealRecord {
    // Answering: the handshake is not over, and nothing but `ephemeral` counts.
    enum class Phase : std::uint8_t { Answering = 1, Sealed = 2 };

    Phase phase{};
    AeadKind kind{};
    // What the answer is made with, so that it can be made again word for word.
    std::array<std::uint8_t, 32> ephemeral{};
    PublicKey peer{};   // Who is at the other end, as it has proved.
    SealedPlace out{};  // From the local socket to the stream.
    SealedPlace in{};   // From the stream to the local socket.
    // Bytes that were read from the local socket, and written to it; kept only of one whose bytes
    // the kernel does not count.
    std::uint64_t socket_given = 0;
    std::uint64_t socket_taken = 0;
    // Found by whoever goes on after a kill: how many bytes of the local socket are sealed already
    // and are yet to be taken off it, and how many behind `in` it has been given already.
    std::uint64_t owed_out = 0;
    std::uint64_t owed_in = 0;
};

static_assert(std::is_trivially_copyable_v<SealRecord>);
static_assert(sizeof(SealRecord) <= 512);  // One block.

}  // namespace relay
