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
      options_(options),
      arena_bytes_(arena_bytes),
      life_(std::make_unique<Life>(side, options, arena_bytes, now)) {}

Endpoint::Life::Life(Side side, const SessionOptions& options, std::size_t arena_bytes,
                     TimePoint now)
    : memory(std::make_unique_for_overwrite<std::uint8_t[]>(arena_bytes)),
      arena(MutableBytes{memory.get(), arena_bytes}),
      session(side, SessionId{1}, arena, options, now) {}

Endpoint::Life::Life(const SessionRemains& remains, const Session::FindSocket& find_socket,
                     const SessionOptions& options, std::size_t arena_bytes, TimePoint now)
    : memory(std::make_unique_for_overwrite<std::uint8_t[]>(arena_bytes)),
      arena(MutableBytes{memory.get(), arena_bytes}),
      session(remains, find_socket, arena, options, now) {}

std::uint8_t Endpoint::byte_at(Side from, StreamId stream, std::uint64_t offset) const {
    const std::uint64_t mixed = (offset + 1) * 0x9e3779b97f4a7c15 + stream.value * 0x85ebca6b +
                                (from == Side::Relay ? 0 : 0x5bd1e995);
    return static_cast<std::uint8_t>(mixed >> 56);
}

void Endpoint::open(TimePoint now) {
    const LocalSocket socket{.id = ++last_socket_};
    const auto stream = session().open({"127.0.0.1", 3389, "127.0.0.1:50000"}, now, socket);
    if (stream) progress_[*stream] = {.socket = socket.id};
}

void Endpoint::write(StreamId stream, std::size_t most) {
    if (!progress_.at(stream).finished) session().wrote(stream, put(stream, most));
}

std::size_t Endpoint::put(StreamId stream, std::size_t most) {
    Progress& progress = progress_.at(stream);
    std::size_t count = 0;
    for (const MutableBytes piece : session().write_space(stream)) {
        for (std::uint8_t& byte : piece.first(std::min(piece.size(), most - count))) {
            byte = byte_at(side_, stream, progress.written + count++);
        }
    }
    progress.written += count;
    return count;
}

void Endpoint::read(StreamId stream, std::size_t most, TimePoint now) {
    session().consumed(stream, take(stream, most), now);
}

std::size_t Endpoint::take(StreamId stream, std::size_t most) {
    require(progress_.contains(stream), "the session holds a stream that is over");
    Progress& progress = progress_.at(stream);
    const Side from = side_ == Side::Relay ? Side::Home : Side::Relay;
    std::size_t count = 0;
    for (const Bytes piece : session().read_data(stream)) {
        for (const std::uint8_t byte : piece.first(std::min(piece.size(), most - count))) {
            require(byte == byte_at(from, stream, progress.read + count++),
                    "a byte is not the one that was written at its place");
        }
    }
    progress.read += count;
    return count;
}

void Endpoint::finish(StreamId stream) {
    progress_.at(stream).finished = true;
    session().finish(stream);
}

void Endpoint::reset(StreamId stream) {
    session().reset(stream, ResetReason::PeerReset);
    progress_.erase(stream);
    resets_[stream] = ResetReason::PeerReset;
}

void Endpoint::drain_events() {
    while (const auto event = session().next_event()) {
        std::visit(Overload{
                       [&](const StreamOpened& opened) {
                           require(!progress_.contains(opened.stream), "a stream was opened twice");
                           require(opened.destination.port == 3389, "a destination was garbled");
                           const LocalSocket socket{.id = ++last_socket_};
                           progress_[opened.stream] = {.socket = socket.id};
                           session().connected(opened.stream, socket);
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
                       [](const CarrierAnswered&) {},
                       [](const CarrierReady&) {},
                       [](const ForwardsWanted&) {},
                       [](const ForwardTold&) {},
                   },
                   *event);
    }
}

void Endpoint::die(std::mt19937& random, TimePoint now) {
    std::map<std::uint64_t, StreamId> sockets;
    std::vector<StreamId> living;
    for (auto& [id, progress] : progress_) {
        sockets[progress.socket] = id;
        if (!session().has(id)) continue;
        living.push_back(id);
        // Bytes that were moved, and not accounted for.
        if (random() % 3 == 0 && !progress.finished) put(id, random() % 4096);
        if (random() % 3 == 0 && !progress.stalled) take(id, random() % 4096);
    }
    const auto find_socket = [&](const LocalSocket& socket,
                                 const SocketPosition&) -> std::optional<SocketPosition> {
        const auto found = sockets.find(socket.id);
        if (found == sockets.end()) return std::nullopt;
        const Progress& progress = progress_.at(found->second);
        return SocketPosition{progress.written, progress.read};
    };
    const auto remains = ArenaRemains::open({life_->memory.get(), arena_bytes_});
    require(bool(remains), "an arena was not recognised");
    const auto sessions = SessionRemains::all_in(*remains);
    require(sessions.size() == 1, "a process has left another number of sessions than it had");
    auto next = std::make_unique<Life>(sessions[0], find_socket, options_, arena_bytes_, now);
    life_ = std::move(next);
    drain_events();
    for (const StreamId id : living) {
        require(session().has(id) || closed_.contains(id), "a stream died with its process");
    }
    std::erase_if(progress_, [&](const auto& entry) {
        if (session().has(entry.first)) return false;
        over_at_death_.insert(entry);
        return true;
    });
}

}  // namespace relay::sim
