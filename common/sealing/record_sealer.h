// Seals what a local socket says, record by record (PROTOCOL.md 11).
#pragma once

#include <array>

#include "common/sealing/seal_record.h"

namespace relay {

class RecordSealer {
public:
    // `place` outlives it.
    RecordSealer(AeadKind kind, SealedPlace& place);

    struct Sealed {
        std::size_t taken = 0;    // Of what was to be sealed,
        std::size_t written = 0;  // and into the room.
    };
    // As much of `text` as finds room. Nothing of it may leave before
    // commit(): until then another process would seal other bytes with the same numbers.
    Sealed seal(Bytes text, std::array<MutableBytes, 2> room);
    // A record that says that nothing follows; 0: it finds no room.
    std::size_t seal_end(std::array<MutableBytes, 2> room);
    // All that was sealed since the last time holds, even if this process is killed.
    void commit() { place_.move_to(next_); }

    bool ended() const { return next_.ended; }

private:
    void write(Bytes text, MutableBytes into);

    AeadKind kind_;
    SealedPlace& place_;
    SealedWay next_;
    Aead aead_;
};

}  // namespace relay
