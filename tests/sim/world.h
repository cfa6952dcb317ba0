// Two endpoints, the carriers between them, one clock that jumps instead of waiting, one seed. The
// world has disasters for some time and then calms down; what was promised must then be true.
#pragma once

#include <map>

#include "tests/sim/endpoint.h"
#include "tests/sim/link.h"

namespace relay::sim {

struct WorldOptions {
    SessionOptions session;
    Duration latency = std::chrono::milliseconds(5);
    Duration chaos = std::chrono::seconds(3);  // How long the disasters go on.
    unsigned streams_most = 12;                // Open at a time, about.
    unsigned carriers_most = 1;                // That the home keeps at a time.
    bool frugal = false;                       // After the disasters one carrier is enough.
    bool cuts = true;
    bool resets = true;
    bool deaths = false;  // Of whole processes, which leave their arena.
};

// Of all kinds, drawn by the seed.
WorldOptions random_options(std::uint32_t seed);

class World {
public:
    World(std::uint32_t seed, const WorldOptions& options);

    // Throws Violation.
    void run();

    std::uint64_t bytes_delivered() const { return bytes_delivered_; }
    std::uint64_t streams_closed() const { return home_.closed().size(); }
    unsigned cuts() const { return cuts_; }
    unsigned deaths() const { return deaths_; }

private:
    struct Carrier {
        Link to_home;
        Link to_relay;
        ByteVector home_inbox;
        ByteVector relay_inbox;
        bool home_holds = true;
        bool relay_holds = true;
        TimePoint home_notices = TimePoint::max();  // That it was cut.
        TimePoint relay_notices = TimePoint::max();
    };

    bool one_in(unsigned n) { return random_() % n == 0; }
    std::size_t up_to(std::size_t n) { return random_() % n + 1; }

    void step();
    void connect();
    void disaster();
    void cut(Carrier& carrier);
    void kill(Endpoint& endpoint, bool Carrier::*holds, TimePoint Carrier::*peer_notices);
    void act(Endpoint& endpoint);
    void read_everything(Endpoint& endpoint);
    void finish_everything(Endpoint& endpoint);
    void move_bytes();
    void deliver(Endpoint& endpoint, CarrierId id, Link& link, ByteVector& inbox);
    void fill(Endpoint& endpoint, CarrierId id, Link& link);
    void tend(Endpoint& endpoint, bool Carrier::*holds);
    void notice_cuts();
    void check_invariants();
    void check_outcome();
    bool settled();
    bool all_over();

    std::mt19937 random_;
    WorldOptions options_;
    TimePoint now_{};
    Endpoint relay_;
    Endpoint home_;
    std::size_t relay_baseline_;
    std::size_t home_baseline_;
    std::map<CarrierId, Carrier> carriers_;
    std::uint32_t last_carrier_ = 0;
    TimePoint redial_at_{};
    std::uint64_t bytes_delivered_ = 0;
    unsigned cuts_ = 0;
    unsigned deaths_ = 0;
    bool calm_ = false;
};

}  // namespace relay::sim
