// A process with one session, what it leaves when it is killed, and the one that goes on.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "common/session/session.h"

namespace relay {

inline constexpr std::size_t arena_bytes = std::size_t{4} << 20;
inline constexpr CarrierId carrier{1};

struct Memory {
    std::unique_ptr<std::uint8_t[]> bytes = std::make_unique<std::uint8_t[]>(arena_bytes);
    MutableBytes view() const { return {bytes.get(), arena_bytes}; }
};

inline ByteVector output(Session& session) {
    ByteVector bytes;
    std::uint8_t room[16384];
    while (const std::size_t size = session.transmit(carrier, room, {})) {
        bytes.insert(bytes.end(), room, room + size);
    }
    return bytes;
}

inline void exchange(Session& one, Session& other) {
    for (int round = 0; round < 4; ++round) {
        for (Session* from : {&one, &other}) {
            const ByteVector bytes = output(*from);
            Bytes input = bytes;
            REQUIRE((from == &one ? other : one).receive(carrier, input, {}));
        }
    }
}

inline std::vector<Event> events_of(Session& session) {
    std::vector<Event> events;
    while (auto event = session.next_event()) events.push_back(std::move(*event));
    return events;
}

template <typename What>
std::size_t count_of(const std::vector<Event>& events) {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const Event& e) {
        return std::holds_alternative<What>(e);
    }));
}

inline void write(Session& session, StreamId stream, std::string_view text) {
    const auto space = session.write_space(stream);
    REQUIRE(space[0].size() >= text.size());
    std::copy(text.begin(), text.end(), space[0].begin());
    session.wrote(stream, text.size());
}

// A process of its own, with one session, and the one that goes on after it.
struct Process {
    explicit Process(Side side)
        : arena(memory.view()), session(side, SessionId{1}, arena, {.owner = "work-pc"}, {}) {}
    Process(const SessionRemains& remains, const Session::FindSocket& find)
        : arena(memory.view()), session(remains, find, arena, {.owner = "work-pc"}, {}) {}

    // The arena as it is now.
    Memory photograph() const {
        Memory copy;
        std::memcpy(copy.bytes.get(), memory.bytes.get(), arena_bytes);
        return copy;
    }

    Memory memory;
    Arena arena;
    Session session;
};

inline std::unique_ptr<Process> go_on(const Memory& left, const Session::FindSocket& find) {
    const auto remains = ArenaRemains::open(left.view());
    REQUIRE(remains);
    const auto sessions = SessionRemains::all_in(*remains);
    REQUIRE(sessions.size() == 1);
    return std::make_unique<Process>(sessions[0], find);
}

template <typename Record>
Record& record_at(const Memory& memory, BlockOffset block) {
    return *reinterpret_cast<Record*>(memory.bytes.get() + block);
}

inline SessionRecord& session_in(const Memory& memory) {
    return record_at<SessionRecord>(memory, ArenaRemains::open(memory.view())->root());
}

inline StreamRecord& stream_in(const Memory& memory, StreamId id) {
    BlockOffset block = session_in(memory).streams;
    while (record_at<StreamRecord>(memory, block).id != id) {
        block = record_at<StreamRecord>(memory, block).link.next;
    }
    return record_at<StreamRecord>(memory, block);
}

// One that has given and taken nothing.
inline std::optional<SocketPosition> fresh_socket(const LocalSocket&, const SocketPosition&) {
    return SocketPosition{};
}

inline constexpr LocalSocket a_socket{.id = 77};

}  // namespace relay
