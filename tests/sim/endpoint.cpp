#include "tests/sim/endpoint.h"

namespace relay::sim {

namespace {

template <typename... Visitors>
struct Overload : Visitors... {
    using Visitors::operator()...;
};
template <typename... Visitors>
Overload(Visitors...) -> Overload<Visitors...>;  // Clang 14 does not find it by itself.

}  // namespace

Endpoint::Endpoint(Side side, const SessionOptions& options, std::size_t arena_bytes, TimePoint now)
    : side_(side),
      memory_(std::make_unique_for_overwrite<std::uint8_t[]>(arena_bytes)),
      arena_(MutableBytes{memory_.get(), arena_bytes}),
      session_(side, SessionId{1}, arena_, options, now) {}

std::uint8_t Endpoint::byte_at(Side from, StreamId stream, std::uint64_t offset) const {
    const std::uint64_t mixed = (offset + 1) * 0x9e3779b97f4a7c15 + stream.value * 0x85ebca6b +
                                (from == Side::Relay ? 0 : 0x5bd1e995);
    return static_cast<std::uint8_t>(mixed >> 56);
}

void Endpoint::open(TimePoint now) {
    const auto stream = session_.open({"127.0.0.1", 3389, "127.0.0.1:50000"}, now);
    if (stream) progress_[*stream] = {};
}

void Endpoint::write(StreamId stream, std::size_t most) {
    Progress& progress = progress_.at(stream);
    if (progress.finished) return;
    std::size_t count = 0;
    for (const MutableBytes piece : session_.write_space(stream)) {
        for (std::uint8_t& byte : piece.first(std::min(piece.size(), most - count))) {
            byte = byte_at(side_, stream, progress.written + count++);
        }
    }
    session_.wrote(stream, count);
    progress.written += count;
}

void Endpoint::read(StreamId stream, std::size_t most, TimePoint now) {
    require(progress_.contains(stream), "the session holds a stream that is over");
    Progress& progress = progress_.at(stream);
    const Side from = side_ == Side::Relay ? Side::Home : Side::Relay;
    std::size_t count = 0;
    for (const Bytes piece : session_.read_data(stream)) {
        for (const std::uint8_t byte : piece.first(std::min(piece.size(), most - count))) {
            require(byte == byte_at(from, stream, progress.read + count++),
                    "a byte is not the one that was written at its place");
        }
    }
    progress.read += count;
    session_.consumed(stream, count, TimePoint{now});
}

void Endpoint::finish(StreamId stream) {
    progress_.at(stream).finished = true;
    session_.finish(stream);
}

void Endpoint::reset(StreamId stream) {
    session_.reset(stream, ResetReason::PeerReset);
    progress_.erase(stream);
    resets_[stream] = ResetReason::PeerReset;
}

void Endpoint::drain_events() {
    while (const auto event = session_.next_event()) {
        std::visit(Overload{
                       [&](const StreamOpened& opened) {
                           require(!progress_.contains(opened.stream), "a stream was opened twice");
                           require(opened.destination.port == 3389, "a destination was garbled");
                           progress_[opened.stream] = {};
                           session_.connected(opened.stream);
                       },
                       [](const StreamFinished&) {},
                       [&](const StreamReset& reset) {
                           progress_.erase(reset.stream);
                           resets_[reset.stream] = reset.reason;
                       },
                       [&](const StreamClosed& closed) {
                           if (resets_.contains(closed.stream)) return;
                           const auto found = progress_.find(closed.stream);
                           require(found != progress_.end(), "a stream unknown was closed");
                           require(found->second.finished,
                                   "a stream was closed before we had finished");
                           closed_[closed.stream] = found->second;
                           progress_.erase(found);
                       },
                       [&](const CarrierDead& dead) { dead_carriers_.push_back(dead.carrier); },
                       [&](const SessionOver&) { over_ = true; },
                       [](const StreamConnected&) {},
                       [](const StreamReadable&) {},
                       [](const StreamWritable&) {},
                       [](const CarrierReady&) {},
                   },
                   *event);
    }
}

}  // namespace relay::sim
