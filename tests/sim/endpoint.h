// One end of a simulated session: the session, and an application at each of its streams that
// writes bytes everybody can predict and checks those it reads.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/session/session.h"

namespace relay::sim {

// What a run found wrong. The message is a fact; the seed is added by whoever runs it.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, const char* fact) {
    if (!holds) throw Violation(fact);
}

// How far an application is with one stream. Also what the kernel counts of its socket.
struct Progress {
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    bool finished = false;  // We write nothing more.
    bool stalled = false;   // We read nothing for now.
    std::uint64_t socket = 0;
};

class Endpoint {
public:
    Endpoint(Side side, const SessionOptions& options, std::size_t arena_bytes, TimePoint now);

    Session& session() { return life_->session; }
    std::map<StreamId, Progress>& streams() { return progress_; }
    // Of streams that are over in good order.
    const std::map<StreamId, Progress>& closed() const { return closed_; }
    const std::map<StreamId, ResetReason>& resets() const { return resets_; }
    // That were over when the process died, without having been told how.
    const std::map<StreamId, Progress>& over_at_death() const { return over_at_death_; }
    const std::vector<CarrierId>& dead_carriers() const { return dead_carriers_; }
    void forget_dead_carriers() { dead_carriers_.clear(); }
    std::size_t arena_used() const { return life_->arena.used_bytes(); }
    bool over() const { return over_; }

    void open(TimePoint now);
    void write(StreamId stream, std::size_t most);
    void read(StreamId stream, std::size_t most, TimePoint now);
    void finish(StreamId stream);
    void reset(StreamId stream);
    void drain_events();
    // The process dies in the middle of reading and writing sockets, and another one goes on with
    // what it left: its arena, and the sockets.
    void die(std::mt19937& random, TimePoint now);

private:
    // Of one process.
    struct Life {
        Life(Side side, const SessionOptions& options, std::size_t arena_bytes, TimePoint now);
        Life(const SessionRemains& remains, const Session::FindSocket& find_socket,
             const SessionOptions& options, std::size_t arena_bytes, TimePoint now);

        std::unique_ptr<std::uint8_t[]> memory;
        Arena arena;
        Session session;
    };

    std::size_t put(StreamId stream, std::size_t most);
    std::size_t take(StreamId stream, std::size_t most);
    std::uint8_t byte_at(Side from, StreamId stream, std::uint64_t offset) const;

    Side side_;
    SessionOptions options_;
    std::size_t arena_bytes_;
    std::unique_ptr<Life> life_;
    std::uint64_t last_socket_ = 0;
    std::map<StreamId, Progress> progress_;
    std::map<StreamId, Progress> closed_;
    std::map<StreamId, ResetReason> resets_;
    std::map<StreamId, Progress> over_at_death_;
    std::vector<CarrierId> dead_carriers_;
    bool over_ = false;
};

}  // namespace relay::sim
