// Two sessions and the carriers between them. The input says who does what: open, write, read,
// finish and reset streams, send and deliver so many bytes, cut carriers with or without telling
// anybody, dial again, let time pass. Then the world calms down, and it must hold that every byte
// written was read at its place, once, that every stream came to its end, and that no memory
// stayed.
#include <map>

#include "common/base/byte_reader.h"
#include "common/base/check.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/link.h"

using namespace relay;
using namespace relay::sim;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t arena_bytes = std::size_t{2} << 20;
constexpr std::size_t streams_most = 12;
constexpr std::size_t carriers_most = 3;
constexpr unsigned calm_steps_most = 100'000;

SessionOptions options_from(ByteReader& reader) {
    const unsigned choice = reader.u8();
    SessionOptions options;
    options.ring_start_bytes = 512u << (choice & 3);
    options.ring_least_bytes = options.ring_start_bytes >> (choice >> 2 & 1);
    options.ring_most_bytes = options.ring_start_bytes << (choice >> 3 & 3);
    options.window_bytes = options.ring_start_bytes;
    // From "hardly a ring for everybody" to "enough".
    options.memory_budget_bytes = options.ring_start_bytes << (choice >> 5);
    options.ping_interval = 300ms;
    options.ping_deadline = 500ms;
    options.keep = std::chrono::hours(24);
    options.streams_max = streams_most;
    return options;
}

struct Carrier {
    Link to_home{Duration{}};
    Link to_relay{Duration{}};
    ByteVector home_inbox;
    ByteVector relay_inbox;
    bool home_holds = true;
    bool relay_holds = true;
};

// One end, and what it has of each carrier.
struct End {
    Endpoint endpoint;
    Link Carrier::*incoming;
    Link Carrier::*outgoing;
    ByteVector Carrier::*inbox;
    bool Carrier::*holds;
};

class Pair {
public:
    explicit Pair(Bytes input)
        : reader_(input),
          options_(options_from(reader_)),
          home_{{Side::Home, options_, arena_bytes, now_},
                &Carrier::to_home,
                &Carrier::to_relay,
                &Carrier::home_inbox,
                &Carrier::home_holds},
          relay_{{Side::Relay, options_, arena_bytes, now_},
                 &Carrier::to_relay,
                 &Carrier::to_home,
                 &Carrier::relay_inbox,
                 &Carrier::relay_holds},
          home_baseline_(home_.endpoint.arena_used()),
          relay_baseline_(relay_.endpoint.arena_used()) {}

    void run();

private:
    void step(std::uint8_t what);
    void use_streams(End& end, unsigned action, unsigned which, std::size_t amount);
    void use_carriers(End& end, unsigned action, unsigned which, std::size_t amount);
    void connect();
    void cut(Carrier& carrier, std::size_t how);
    void detach(End& end, CarrierId id);
    std::size_t send(End& end, CarrierId id, std::size_t most);
    void deliver(End& end, CarrierId id, std::size_t most);
    bool exchange();
    void tend(End& end);
    void drain(End& end);
    void check_budget(End& end);
    void calm_down();
    void calm_step();
    bool settled();
    void check_outcome();
    bool over() { return home_.endpoint.over() || relay_.endpoint.over(); }

    ByteReader reader_;
    const SessionOptions options_;
    TimePoint now_{};
    End home_;
    End relay_;
    const std::size_t home_baseline_;
    const std::size_t relay_baseline_;
    std::map<CarrierId, Carrier> carriers_;
    std::uint32_t last_carrier_ = 0;
};

template <typename Map>
auto nth(Map& map, std::size_t n) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(n % map.size()));
}

void Pair::run() {
    connect();
    while (!reader_.at_end() && !over()) step(reader_.u8());
    if (!over()) calm_down();
    if (!over()) check_outcome();
}

// The first byte: side, which of its streams or carriers, and what to do; the second: how much.
void Pair::step(std::uint8_t what) {
    End& end = what & 0x80 ? relay_ : home_;
    const unsigned which = what >> 4 & 7;
    const unsigned action = what & 15;
    const std::size_t amount = reader_.at_end() ? 0 : reader_.u8();
    if (action < 8) {
        use_streams(end, action, which, amount);
    } else {
        use_carriers(end, action, which, amount);
    }
    for (End* each : {&home_, &relay_}) {
        drain(*each);
        check_budget(*each);
    }
}

void Pair::use_streams(End& end, unsigned action, unsigned which, std::size_t amount) {
    Endpoint& endpoint = end.endpoint;
    if (action == 0) return endpoint.open(now_);
    if (action == 1 && amount == 0xee) return endpoint.session().end(EndReason::ClosedByOperator);
    if (endpoint.streams().empty()) return;
    const auto& [id, progress] = *nth(endpoint.streams(), which);
    switch (action) {
        case 1: (void)endpoint.session().info(id); break;
        case 2: endpoint.write(id, amount); break;
        case 3: endpoint.write(id, amount * 64); break;
        case 4: endpoint.read(id, amount, now_); break;
        case 5: endpoint.read(id, amount * 64, now_); break;
        case 6: endpoint.finish(id); break;
        case 7: endpoint.reset(id); break;
    }
}

void Pair::use_carriers(End& end, unsigned action, unsigned which, std::size_t amount) {
    if (action == 8) now_ += std::chrono::milliseconds(amount);
    if (action == 9 || action == 10) tend(end);
    if (action == 11 && carriers_.size() < carriers_most) connect();
    if (carriers_.empty()) return;
    auto& [id, carrier] = *nth(carriers_, which);
    switch (action) {
        case 10:
            for (std::size_t round = 0; round <= amount % 8; ++round) exchange();
            break;
        case 12: cut(carrier, amount); break;
        case 13: (void)send(end, id, Session::transmit_room_min_bytes + amount * 8); break;
        case 14: deliver(end, id, amount); break;
        case 15: deliver(end, id, amount * 64); break;
    }
}

void Pair::connect() {
    // A takeover: the relay lets go of what the home has given up, without having noticed anything.
    for (auto& [old, carrier] : carriers_) {
        if (!carrier.home_holds) detach(relay_, old);
    }
    std::erase_if(carriers_, [](const auto& each) {
        return !each.second.home_holds && !each.second.relay_holds;
    });
    const CarrierId id{++last_carrier_};
    carriers_.try_emplace(id);
    home_.endpoint.session().attach(id, now_);
    relay_.endpoint.session().attach(id, now_);
}

// What is on its way is lost in one direction or both; either end is told, or neither.
void Pair::cut(Carrier& carrier, std::size_t how) {
    const auto id = std::find_if(carriers_.begin(), carriers_.end(), [&](const auto& each) {
                        return &each.second == &carrier;
                    })->first;
    if (how & 1) carrier.to_home.swallow();
    if (how & 2) carrier.to_relay.swallow();
    if (how & 4) detach(home_, id);
    if (how & 8) detach(relay_, id);
    if (!carrier.home_holds && !carrier.relay_holds) carriers_.erase(id);
}

void Pair::detach(End& end, CarrierId id) {
    Carrier& carrier = carriers_.at(id);
    if (!(carrier.*end.holds)) return;
    end.endpoint.session().detach(id, now_);
    carrier.*end.holds = false;
}

std::size_t Pair::send(End& end, CarrierId id, std::size_t most) {
    Carrier& carrier = carriers_.at(id);
    Link& link = carrier.*end.outgoing;
    std::uint8_t room[16384];
    if (!(carrier.*end.holds) || link.room() == 0) return 0;
    const std::size_t size =
        end.endpoint.session().transmit(id, {room, std::min(most, sizeof room)}, now_);
    check(size <= most);
    if (size > 0) link.send({room, size}, now_);
    return size;
}

void Pair::deliver(End& end, CarrierId id, std::size_t most) {
    Carrier& carrier = carriers_.at(id);
    if (!(carrier.*end.holds)) return;
    ByteVector& inbox = carrier.*end.inbox;
    (carrier.*end.incoming).arrive(inbox, most, now_);
    Bytes input = inbox;
    const Status received = end.endpoint.session().receive(id, input, now_);
    require(bool(received), "a peer that keeps the rules was accused of breaking one");
    inbox.erase(inbox.begin(), inbox.end() - static_cast<std::ptrdiff_t>(input.size()));
    drain(end);
}

// Whether anything moved.
bool Pair::exchange() {
    bool moved = false;
    std::vector<CarrierId> ids;
    for (const auto& [id, carrier] : carriers_) ids.push_back(id);
    for (const CarrierId id : ids) {
        for (End* end : {&home_, &relay_}) {
            if (!carriers_.contains(id)) continue;
            if (send(*end, id, 16384) > 0) moved = true;
        }
        for (End* end : {&home_, &relay_}) {
            if (carriers_.contains(id)) deliver(*end, id, 65536);
        }
    }
    return moved;
}

void Pair::tend(End& end) {
    end.endpoint.session().deadline_reached(now_);
    drain(end);
}

void Pair::drain(End& end) {
    end.endpoint.drain_events();
    for (const CarrierId dead : end.endpoint.dead_carriers()) {
        Carrier& carrier = carriers_.at(dead);
        carrier.*end.holds = false;
        if (!carrier.home_holds && !carrier.relay_holds) carriers_.erase(dead);
    }
    end.endpoint.forget_dead_carriers();
}

// The least ring of each stream is never denied.
void Pair::check_budget(End& end) {
    const std::size_t always =
        wire::control_window_bytes + 4 * streams_most * options_.ring_least_bytes;
    const std::size_t most = std::max(options_.memory_budget_bytes, always) + always;
    require(end.endpoint.session().memory_bytes() <= most, "a session is over its memory budget");
}

// Everybody reads and nobody writes, until all has arrived; then all finish.
void Pair::calm_down() {
    unsigned steps = 0;
    for (; !settled() && !over(); ++steps) {
        require(steps < calm_steps_most, "bytes were never delivered, or never acknowledged");
        calm_step();
    }
    for (End* end : {&home_, &relay_}) {
        for (const StreamId id : end->endpoint.session().streams()) end->endpoint.finish(id);
    }
    for (steps = 0; !over(); ++steps) {
        if (home_.endpoint.streams().empty() && relay_.endpoint.streams().empty() &&
            home_.endpoint.session().memory_bytes() == 0 &&
            relay_.endpoint.session().memory_bytes() == 0) {
            return;
        }
        require(steps < calm_steps_most, "streams did not come to their end");
        calm_step();
    }
}

void Pair::calm_step() {
    const bool connected = std::any_of(carriers_.begin(), carriers_.end(), [](const auto& each) {
        return each.second.home_holds && each.second.relay_holds;
    });
    if (!connected) connect();
    for (End* end : {&home_, &relay_}) {
        for (const StreamId id : end->endpoint.session().streams()) {
            end->endpoint.read(id, 65536, now_);
        }
    }
    if (exchange()) return;
    // Nothing to do but to wait.
    auto next = now_ + 50ms;
    for (End* end : {&home_, &relay_}) {
        next = std::min(next, end->endpoint.session().deadline().value_or(next));
    }
    now_ = std::max(next, now_ + 1ms);
    for (End* end : {&home_, &relay_}) {
        const auto deadline = end->endpoint.session().deadline();
        if (deadline && *deadline <= now_) tend(*end);
    }
}

bool Pair::settled() {
    Endpoint& home = home_.endpoint;
    Endpoint& relay = relay_.endpoint;
    if (home.session().memory_bytes() > 0 || relay.session().memory_bytes() > 0) return false;
    if (home.streams().size() != relay.streams().size()) return false;
    for (const auto& [id, mine] : home.streams()) {
        const auto theirs = relay.streams().find(id);
        if (theirs == relay.streams().end() || mine.read != theirs->second.written ||
            theirs->second.read != mine.written) {
            return false;
        }
    }
    return true;
}

void Pair::check_outcome() {
    for (auto [one, other] : {std::pair{&home_, &relay_}, std::pair{&relay_, &home_}}) {
        for (const auto& [id, mine] : one->endpoint.closed()) {
            const auto found = other->endpoint.closed().find(id);
            if (found == other->endpoint.closed().end()) {
                // A reset may cross the last DONE on its way.
                require(other->endpoint.resets().contains(id),
                        "a stream was closed at one end only");
                continue;
            }
            require(mine.read == found->second.written, "not all that was written was read");
        }
        require(one->endpoint.session().streams().empty(), "an end leaks a stream");
    }
    require(home_.endpoint.arena_used() == home_baseline_, "the home leaks memory of its arena");
    require(relay_.endpoint.arena_used() == relay_baseline_, "the relay leaks memory of its arena");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Longer ones find nothing more and take longer.
    if (size > 0 && size <= 4096) Pair{Bytes{data, size}}.run();
    return 0;
}
