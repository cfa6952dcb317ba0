#include "tests/sim/world.h"

#include <algorithm>

namespace relay::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t arena_bytes = std::size_t{64} << 20;
constexpr Duration tick = 1ms;
constexpr std::size_t draining_most = 4;
constexpr Duration calm_most = 120s;  // Far beyond what a blackhole at the end can cost.

}  // namespace

WorldOptions random_options(std::uint32_t seed) {
    std::mt19937 random{seed ^ 0x5eed};
    WorldOptions options;
    options.session.ring_start_bytes = 1024u << random() % 8;
    options.session.ring_least_bytes =
        std::min(512u << random() % 3, options.session.ring_start_bytes);
    options.session.ring_most_bytes = options.session.ring_start_bytes << random() % 6;
    options.session.window_bytes = options.session.ring_start_bytes;
    options.session.ping_interval = 300ms;
    options.session.ping_deadline = 500ms;
    // From "hardly a ring for everybody" to "enough".
    options.session.memory_budget_bytes = options.session.ring_start_bytes * (1u << random() % 8);
    options.latency = std::chrono::milliseconds(random() % 40);
    options.carriers_most = 1 + static_cast<unsigned>(random() % 3);
    options.frugal = random() % 2 == 0;
    options.deaths = random() % 2 == 0;
    options.streams_most = 1 + static_cast<unsigned>(random() % 24);
    return options;
}

World::World(std::uint32_t seed, const WorldOptions& options)
    : random_(seed),
      options_(options),
      relay_(Side::Relay, options.session, arena_bytes, now_),
      home_(Side::Home, options.session, arena_bytes, now_),
      relay_baseline_(relay_.arena_used()),
      home_baseline_(home_.arena_used()) {}

void World::run() {
    for (const TimePoint ends = now_ + options_.chaos; now_ < ends; step()) {
        disaster();
        act(relay_);
        act(home_);
    }
    calm_ = true;
    // Everybody reads, nobody writes: all that was written arrives, and is known to have arrived.
    for (const TimePoint ends = now_ + calm_most; !settled(); step()) {
        require(now_ < ends, "bytes were never delivered, or never acknowledged");
        read_everything(relay_);
        read_everything(home_);
    }
    finish_everything(relay_);
    finish_everything(home_);
    for (const TimePoint ends = now_ + calm_most; !all_over(); step()) {
        require(now_ < ends, "streams did not come to their end");
    }
    check_outcome();
}

void World::step() {
    now_ += tick;
    const unsigned wanted = calm_ && options_.frugal ? 1 : options_.carriers_most;
    if (carriers_.size() < wanted && now_ >= redial_at_) connect();
    notice_cuts();
    move_bytes();
    check_invariants();
}

void World::connect() {
    const CarrierId id{++last_carrier_};
    const Duration latency = options_.latency * (1 + random_() % 3);  // Side by side, not alike.
    carriers_.emplace(id, Carrier{Link{latency}, Link{latency}, {}, {}});
    // A takeover: the relay lets go of what the home has given up, without having noticed anything.
    for (auto& [old, carrier] : carriers_) {
        if (old != id && !carrier.home_holds && carrier.relay_holds) {
            relay_.session().detach(old, now_);
            carrier.relay_holds = false;
        }
    }
    home_.session().attach(id, now_);
    relay_.session().attach(id, now_);
}

void World::disaster() {
    if (options_.deaths && one_in(400)) {
        kill(home_, &Carrier::home_holds, &Carrier::relay_notices);
    }
    if (options_.deaths && one_in(400)) {
        kill(relay_, &Carrier::relay_holds, &Carrier::home_notices);
    }
    if (!options_.cuts || carriers_.empty() || !one_in(150)) return;
    auto victim = carriers_.begin();
    std::advance(victim, static_cast<std::ptrdiff_t>(random_() % carriers_.size()));
    cut(victim->second);
}

void World::cut(Carrier& carrier) {
    ++cuts_;
    const auto kind = random_() % 4;
    // One direction only, or both.
    if (kind != 1) carrier.to_home.swallow();
    if (kind != 2) carrier.to_relay.swallow();
    if (kind == 3) return;  // Nobody is told: only an unanswered ping shows it.
    carrier.home_notices = now_ + std::chrono::milliseconds(random_() % 50);
    if (one_in(2)) carrier.relay_notices = now_ + std::chrono::milliseconds(random_() % 50);
    redial_at_ = now_ + std::chrono::milliseconds(random_() % 200);
}

// Its carriers die with it; the kernel may tell the other end, or be cut off, too.
void World::kill(Endpoint& endpoint, bool Carrier::*holds, TimePoint Carrier::*peer_notices) {
    ++deaths_;
    for (auto& [id, carrier] : carriers_) {
        if (carrier.*holds && one_in(2)) {
            // What was on its way it has just heard, and told nobody of.
            Link& link = &endpoint == &home_ ? carrier.to_home : carrier.to_relay;
            ByteVector& inbox = &endpoint == &home_ ? carrier.home_inbox : carrier.relay_inbox;
            link.arrive(inbox, up_to(40000), now_ + 3 * options_.latency);
            Bytes input = inbox;
            require(bool(endpoint.session().receive(id, input, now_)),
                    "a peer that keeps the rules was accused of breaking one");
        }
        carrier.to_home.swallow();
        carrier.to_relay.swallow();
        carrier.*holds = false;
        if (one_in(2)) carrier.*peer_notices = now_ + std::chrono::milliseconds(random_() % 50);
    }
    endpoint.die(random_, now_);
    redial_at_ = now_ + std::chrono::milliseconds(random_() % 200);
}

void World::notice_cuts() {
    for (auto& [id, carrier] : carriers_) {
        if (carrier.home_holds && carrier.home_notices <= now_) {
            home_.session().detach(id, now_);
            carrier.home_holds = false;
        }
        if (carrier.relay_holds && carrier.relay_notices <= now_) {
            relay_.session().detach(id, now_);
            carrier.relay_holds = false;
        }
    }
    std::erase_if(carriers_, [](const auto& entry) {
        return !entry.second.home_holds && !entry.second.relay_holds;
    });
}

void World::act(Endpoint& endpoint) {
    if (endpoint.streams().size() < options_.streams_most && one_in(30)) endpoint.open(now_);
    std::vector<StreamId> streams;
    for (const auto& [id, progress] : endpoint.streams()) streams.push_back(id);
    for (const StreamId id : streams) {
        Progress& progress = endpoint.streams().at(id);
        if (one_in(200)) progress.stalled = !progress.stalled;
        if (one_in(3)) endpoint.write(id, up_to(one_in(10) ? 8192 : 300));
        if (!progress.stalled && one_in(2)) endpoint.read(id, up_to(4096), now_);
        if (!progress.finished && one_in(400)) endpoint.finish(id);
        if (options_.resets && one_in(1500)) endpoint.reset(id);
    }
}

void World::read_everything(Endpoint& endpoint) {
    for (const StreamId id : endpoint.session().streams()) endpoint.read(id, 65536, now_);
}

void World::finish_everything(Endpoint& endpoint) {
    for (const StreamId id : endpoint.session().streams()) {
        if (!endpoint.streams().at(id).finished) endpoint.finish(id);
    }
}

void World::move_bytes() {
    for (auto& [id, carrier] : carriers_) {
        if (carrier.home_holds) deliver(home_, id, carrier.to_home, carrier.home_inbox);
        if (carrier.relay_holds) deliver(relay_, id, carrier.to_relay, carrier.relay_inbox);
    }
    tend(home_, &Carrier::home_holds);
    tend(relay_, &Carrier::relay_holds);
    for (auto& [id, carrier] : carriers_) {
        if (carrier.home_holds) fill(home_, id, carrier.to_relay);
        if (carrier.relay_holds) fill(relay_, id, carrier.to_home);
    }
}

void World::deliver(Endpoint& endpoint, CarrierId id, Link& link, ByteVector& inbox) {
    const std::size_t before = inbox.size();
    link.arrive(inbox, up_to(one_in(4) ? 7 : 40000), now_);
    if (inbox.size() == before) return;
    bytes_delivered_ += inbox.size() - before;
    Bytes input = inbox;
    const Status received = endpoint.session().receive(id, input, now_);
    require(bool(received), "a peer that keeps the rules was accused of breaking one");
    inbox.erase(inbox.begin(), inbox.end() - static_cast<std::ptrdiff_t>(input.size()));
    endpoint.drain_events();
}

void World::tend(Endpoint& endpoint, bool Carrier::*holds) {
    const auto deadline = endpoint.session().deadline();
    if (deadline && *deadline <= now_) endpoint.session().deadline_reached(now_);
    endpoint.drain_events();
    for (const CarrierId dead : endpoint.dead_carriers()) {
        carriers_.at(dead).*holds = false;
        if (&endpoint == &home_) redial_at_ = now_;
    }
    endpoint.forget_dead_carriers();
}

void World::fill(Endpoint& endpoint, CarrierId id, Link& link) {
    std::uint8_t room[16384];
    while (endpoint.session().has_work(id) && link.room() > 0) {
        const std::size_t size = endpoint.session().transmit(id, {room, link.room()}, now_);
        if (size == 0) return;
        link.send({room, size}, now_);
    }
}

bool World::settled() {
    if (home_.session().memory_bytes() > 0 || relay_.session().memory_bytes() > 0) return false;
    if (home_.streams().size() != relay_.streams().size()) return false;
    for (const auto& [id, home] : home_.streams()) {
        const auto relay = relay_.streams().find(id);
        if (relay == relay_.streams().end()) return false;
        if (home.read != relay->second.written || relay->second.read != home.written) return false;
    }
    return true;
}

bool World::all_over() {
    return home_.streams().empty() && relay_.streams().empty() &&
           home_.session().memory_bytes() == 0 && relay_.session().memory_bytes() == 0;
}

void World::check_invariants() {
    require(!home_.over() && !relay_.over(), "the session ended by itself");
    for (Endpoint* endpoint : {&home_, &relay_}) {
        // The least ring of each stream is never denied, of those that were reset and still say
        // their last bytes neither.
        const std::size_t streams = endpoint->streams().size() + draining_most;
        const std::size_t always =
            wire::control_window_bytes + 2 * streams * options_.session.ring_least_bytes;
        const std::size_t most = std::max(options_.session.memory_budget_bytes, always) + always;
        require(endpoint->session().memory_bytes() <= most, "a session is over its memory budget");
    }
}

void World::check_outcome() {
    for (const auto& [id, home] : home_.closed()) {
        const auto found = relay_.closed().find(id);
        const auto untold = relay_.over_at_death().find(id);
        if (found == relay_.closed().end() && untold == relay_.over_at_death().end()) {
            // A reset may cross the last DONE on its way.
            require(relay_.resets().contains(id), "a stream was closed at the home only");
            continue;
        }
        const Progress& relay = found == relay_.closed().end() ? untold->second : found->second;
        require(home.read == relay.written, "the home did not read all that was written");
        require(relay.read == home.written, "the relay did not read all that was written");
    }
    for (const auto& [id, relay] : relay_.closed()) {
        require(home_.closed().contains(id) || home_.resets().contains(id) ||
                    home_.over_at_death().contains(id),
                "a stream was closed at the relay only");
    }
    require(home_.session().streams().empty(), "the home leaks a stream");
    require(relay_.session().streams().empty(), "the relay leaks a stream");
    require(home_.arena_used() == home_baseline_, "the home leaks memory of its arena");
    require(relay_.arena_used() == relay_baseline_, "the relay leaks memory of its arena");
}

}  // namespace relay::sim
