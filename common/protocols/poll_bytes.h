// Bytes of a tunnel with their offsets: what is kept until it is acknowledged, and what comes out
// of order until its turn.
#pragma once

#include <map>

#include "common/base/bytes.h"

namespace relay {

// A run of bytes that grows at its end and is dropped from its front.
class PollBuffer {
public:
    std::uint64_t begin() const { return begin_; }
    std::uint64_t end() const { return begin_ + size(); }
    std::size_t size() const { return bytes_.size() - dropped_; }

    void append(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    // Of what is kept; valid until the next change.
    Bytes view(std::uint64_t offset, std::size_t size) const;
    // Offsets before the beginning are of no effect, and none may be beyond the end.
    void drop_before(std::uint64_t offset);

private:
    std::uint64_t begin_ = 0;
    std::size_t dropped_ = 0;  // Bytes at the front that are not worth a move yet.
    ByteVector bytes_;
};

// Puts pieces of a byte stream into order. They may come twice, and overlap.
class PollInlet {
public:
    // Takes bytes up to `window` behind what was consumed.
    explicit PollInlet(std::size_t window) : window_(window) {}

    // Keeps what is new of a piece. False: it is beyond the window, or there are too many
    // parts.
    bool store(std::uint64_t offset, Bytes piece);

    // In order, and not consumed yet.
    Bytes ready() const { return ready_.view(ready_.begin(), ready_.size()); }
    void consume(std::size_t size) { ready_.drop_before(ready_.begin() + size); }
    std::uint64_t consumed() const { return ready_.begin(); }
    // Behind the last byte in order.
    std::uint64_t arrived() const { return ready_.end(); }

private:
    bool keep(std::uint64_t offset, Bytes piece);
    void take(std::uint64_t offset, Bytes piece);

    const std::size_t window_;
    PollBuffer ready_;
    std::map<std::uint64_t, ByteVector> early_;  // Behind what is ready; none overlaps another.
};

}  // namespace relay
