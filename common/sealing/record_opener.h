// Opens what a peer has sealed, record by record, for a local socket that takes it at its own pace
// (PROTOCOL.md 11).
#pragma once

#include <array>

#include "common/base/result.h"
#include "common/sealing/seal_record.h"

namespace relay {

class RecordOpener {
public:
    // `place` outlives it. The local socket has got the first `owed` bytes behind it already.
    RecordOpener(AeadKind kind, SealedPlace& place, std::uint64_t owed);

    // Opens the whole records that `held` begins with, as far as `room` goes (record_most_bytes at
    // least), and returns what the local socket has yet to be given of them: a part of `room`.
    // Then taken() is to be called, also if that is nothing. An error means that somebody in
    // between has changed what was sent.
    Result<Bytes> open(std::array<Bytes, 2> held, MutableBytes room);
    // The local socket has taken so much of what open() has returned. Returns how many bytes of
    // the stream are done with; 0, after taken(0): there is no whole record. It holds even if this
    // process is killed.
    std::size_t taken(std::size_t count);

    // All has been taken, and its author says that nothing follows.
    bool ended() const { return place_.now().ended; }

private:
    static constexpr std::size_t records_at_once = 64;

    AeadKind kind_;
    SealedPlace& place_;
    std::uint64_t owed_;
    Aead aead_;                                            // With the key of the place.
    std::array<std::uint16_t, records_at_once> opened_{};  // How much text each record has.
    std::size_t opened_count_ = 0;
};

}  // namespace relay
