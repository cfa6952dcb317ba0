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

// How far an application is with one stream.
struct Progress {
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    bool finished = false;  // We write nothing more.
    bool stalled = false;   // We read nothing for now.
};

class Endpoint {
public:
    Endpoint(Side side, const SessionOptions& options, std::size_t arena_bytes, TimePoint now);

    Session& session() { return session_; }
    std::map<StreamId, Progress>& streams() { return progress_; }
    // Of streams that are over in good order.
    const std::map<StreamId, Progress>& closed() const { return closed_; }
    const std::map<StreamId, ResetReason>& resets() const { return resets_; }
    const std::vector<CarrierId>& dead_carriers() const { return dead_carriers_; }
    void forget_dead_carriers() { dead_carriers_.clear(); }
    std::size_t arena_used() const { return arena_.used_bytes(); }
    bool over() const { return over_; }

    void open(TimePoint now);
    void write(StreamId stream, std::size_t most);
    void read(StreamId stream, std::size_t most, TimePoint now);
    void finish(StreamId stream);
    void reset(StreamId stream);
    void drain_events();

private:
    std::uint8_t byte_at(Side from, StreamId stream, std::uint64_t offset) const;

    Side side_;
    std::unique_ptr<std::uint8_t[]> memory_;
    Arena arena_;
    Session session_;
    std::map<StreamId, Progress> progress_;
    std::map<StreamId, Progress> closed_;
    std::map<StreamId, ResetReason> resets_;
    std::vector<CarrierId> dead_carriers_;
    bool over_ = false;
};

}  // namespace relay::sim
