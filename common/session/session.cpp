#include "common/session/session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "common/base/check.h"
#include "common/base/crash_fence.h"

namespace relay {

namespace {

constexpr CarrierId nobody{};

// The stream that must still live for the event to be of use.
std::optional<StreamId> living_stream_of(const Event& event) {
    return std::visit(
        [](const auto& what) -> std::optional<StreamId> {
            using What = std::decay_t<decltype(what)>;
            constexpr bool is_last =
                std::is_same_v<What, StreamReset> || std::is_same_v<What, StreamClosed>;
            if constexpr (requires { what.stream; } && !is_last) return what.stream;
            return std::nullopt;
        },
        event);
}

StreamRecord& checked(StreamRecord* record) {
    check(record != nullptr);
    return *record;
}

BlockOffset checked(std::optional<BlockOffset> block) {
    check(block.has_value());
    return *block;
}

SessionRecord& make_record(Arena& arena, BlockOffset block) {
    return *new (arena.view(block, sizeof(SessionRecord)).data()) SessionRecord{};
}

}  // namespace

Session::Session(Side side, const SessionId& id, Arena& arena, const SessionOptions& options,
                 TimePoint now)
    : side_(side),
      id_(id),
      options_(options),
      arena_(arena),
      block_(checked(arena.allocate(sizeof(SessionRecord)))),
      record_(make_record(arena, block_)),
      memory_(arena, {options.memory_budget_bytes, options.process_budget_bytes,
                      options.ring_least_bytes}),
      streams_(arena, record_.streams),
      control_(checked(streams_.add({.id = control_stream,
                                     .peer_window = wire::control_window_bytes,
                                     .credit = first_credit(wire::control_window_bytes, now)}))),
      now_(now) {
    record_.id = id;
    record_.side = side;
    record_.next_stream = side == Side::Relay ? 2 : 1;
    record_.left_at = now;
    record_.set_owner(options.owner);
    RecordChain<SessionRecord>{arena_, arena_.root()}.link(block_);
}

Session::~Session() {
    unlink();
    streams_.for_each([&](StreamRecord& stream) {
        release_rings(stream);
        forget_destination(stream);
        forget_seal(stream);
    });
    arena_.release(block_, sizeof(SessionRecord));
}

// Nobody goes on with it any more, if this process is killed now.
void Session::unlink() {
    if (!std::exchange(linked_, false)) return;
    RecordChain<SessionRecord>{arena_, arena_.root()}.unlink(block_);
}

const SessionId& Session::id() const {
    return id_;
}
bool Session::attached() const {
    return !carriers_.empty();
}
bool Session::over() const {
    return over_;
}
std::size_t Session::memory_bytes() const {
    return memory_.used_bytes();
}
bool Session::has(StreamId stream) const {
    return living(stream) != nullptr;
}

Attachment* Session::find(CarrierId carrier) {
    for (const auto& attachment : carriers_) {
        if (attachment->id == carrier) return attachment.get();
    }
    return nullptr;
}

const Attachment* Session::find(CarrierId carrier) const {
    return const_cast<Session*>(this)->find(carrier);
}

void Session::attach(CarrierId carrier, TimePoint now) {
    check(carrier != nobody && find(carrier) == nullptr);
    if (over_) return;
    now_ = now;
    record_.left_at = {};
    const Liveness::Limits limits{options_.ping_interval, options_.ping_deadline};
    const auto habit =
        side_ == Side::Home ? Liveness::Habit::Asks : Liveness::Habit::LeavesItToThePeer;
    carriers_.push_back(std::make_unique<Attachment>(
        Attachment{.id = carrier, .liveness = Liveness{limits, habit, now}}));
    announce_everything(*carriers_.back());
}

void Session::announce_everything(Attachment& carrier) {
    carrier.to_announce.clear();
    carrier.to_announce.push_back(control_stream);
    streams_.for_each([&](const StreamRecord& stream) {
        // What the peer has sent nothing on, it may not even know yet.
        const bool heard_of = stream.received() > 0 || stream.dropping();
        if (stream.id != control_stream && heard_of && !stream.resetting) {
            carrier.to_announce.push_back(stream.id);
        }
    });
}

void Session::ping(CarrierId carrier, TimePoint now) {
    Attachment* attachment = find(carrier);
    if (attachment == nullptr || over_) return;
    now_ = now;
    attachment->answer_wanted = true;
    attachment->liveness.ask(now);
}

void Session::detach(CarrierId carrier, TimePoint now) {
    const auto found = std::find_if(carriers_.begin(), carriers_.end(),
                                    [&](const auto& entry) { return entry->id == carrier; });
    if (found == carriers_.end()) return;
    now_ = now;
    carriers_.erase(found);
    streams_.for_each([&](StreamRecord& stream) {
        if (stream.answer_on == carrier) {
            stream.answer_on = nobody;
            stream.ack_queued = false;
        }
        if (stream.carrier != carrier) return;
        stream.carrier = nobody;
        stream.scheduled = false;
        stream.parked = false;
    });
    if (carriers_.empty()) {
        record_.left_at = now;
        return;
    }
    const CarrierId ready = least_busy();
    // Acknowledgements may have died with the carrier, so all are said again: also by a carrier
    // that has said all, and has yet to hear the same.
    announce_everything(ready == nobody ? *carriers_.front() : *find(ready));
    if (ready != nobody) adopt_orphans();
}

CarrierId Session::least_busy() const {
    const Attachment* best = nullptr;
    for (const auto& carrier : carriers_) {
        if (carrier->ready && (best == nullptr || carrier->busy < best->busy)) best = carrier.get();
    }
    return best == nullptr ? nobody : best->id;
}

// While the peer may not have heard of a stream, its bytes follow its OPEN.
bool Session::may_move(const StreamRecord& stream) const {
    const bool ours = (stream.id.value % 2 == 0) == (side_ == Side::Relay);
    return stream.id != control_stream && !stream.resetting && (stream.connected || !ours);
}

void Session::adopt_orphans() {
    if (control_.carrier == nobody) move(control_, least_busy());
    streams_.for_each([&](StreamRecord& stream) {
        if (stream.carrier != nobody) return;
        move(stream, may_move(stream) ? least_busy() : control_.carrier);
    });
}

// The rewind: what the peer has not acknowledged is sent again, on a carrier that lives. What is
// still under way on a former one comes twice, and is known by its offset.
void Session::move(StreamRecord& stream, CarrierId carrier) {
    Attachment* former = find(stream.carrier);
    if (former != nullptr && stream.scheduled) former->scheduler.remove(stream.id);
    stream.scheduled = false;
    stream.parked = false;
    pin(stream, carrier);
    stream.sent = stream.acknowledged();
    schedule(stream);
}

// Streams that send are spread over the carriers; one that moves leaves two more behind than it
// joins, so none moves to and fro.
void Session::balance(StreamRecord& stream) {
    if (carriers_.size() < 2 || !stream.busy || !may_move(stream)) return;
    const Attachment* here = find(stream.carrier);
    const Attachment* there = find(least_busy());
    if (here == nullptr || there == nullptr || there->busy + 1 >= here->busy) return;
    move(stream, there->id);
}

void Session::pin(StreamRecord& stream, CarrierId carrier) {
    const std::size_t weight = stream.busy ? 1 : 0;
    if (Attachment* former = find(stream.carrier)) former->busy -= weight;
    stream.carrier = carrier;
    if (Attachment* latter = find(carrier)) latter->busy += weight;
}

// With nothing under way, it may go anywhere at no price.
void Session::mark_busy(StreamRecord& stream) {
    if (stream.busy) return;
    stream.busy = true;
    if (Attachment* carrier = find(stream.carrier)) ++carrier->busy;
    balance(stream);
}

void Session::mark_idle(StreamRecord& stream) {
    if (!stream.busy) return;
    stream.busy = false;
    if (Attachment* carrier = find(stream.carrier)) --carrier->busy;
}

std::optional<Event> Session::next_event() {
    while (!events_.empty()) {
        Event event = std::move(events_.front());
        events_.pop_front();
        // What happened to a stream before it was over no longer matters.
        const std::optional<StreamId> stream = living_stream_of(event);
        if (!stream || has(*stream)) return event;
    }
    return std::nullopt;
}

std::optional<TimePoint> Session::deadline() const {
    if (over_) return std::nullopt;
    std::optional<TimePoint> next = memory_retry_;
    for (const auto& carrier : carriers_) {
        next = earlier(next, carrier->liveness.deadline(pace()));
        // Acknowledgements that are due are work for a carrier, and no longer a matter of time.
        const auto& due = carrier->acks_due;
        if (due && *due > now_) next = earlier(next, due);
    }
    if (carriers_.empty()) next = earlier(next, record_.left_at + options_.keep);
    return next;
}

// The control stream alone is no reason to hurry.
Liveness::Pace Session::pace() const {
    return streams_.size() > 1 ? Liveness::Pace::Busy : Liveness::Pace::Idle;
}

void Session::deadline_reached(TimePoint now) {
    if (over_) return;
    now_ = now;
    std::vector<CarrierId> dead;
    for (const auto& carrier : carriers_) {
        if (carrier->liveness.deadline_reached(now, pace()) == Liveness::Verdict::Dead) {
            dead.push_back(carrier->id);
        }
    }
    for (const CarrierId carrier : dead) {
        detach(carrier, now);
        events_.push_back(CarrierDead{carrier, "no answer to a ping in time"});
    }
    if (memory_retry_ && *memory_retry_ <= now) {
        memory_retry_.reset();
        serve_memory_waiters();
        flush_messages();
    }
    if (carriers_.empty() && record_.left_at + options_.keep <= now) end(EndReason::Expired);
}

void Session::end(EndReason reason) {
    if (over_) return;
    over_ = true;
    unlink();
    if (is_on_wire(reason)) bye_ = reason;
    for (const StreamId id : streams_.ids()) {
        StreamRecord& stream = *streams_.find(id);
        release_rings(stream);
        if (id == control_stream) continue;
        forget_destination(stream);
        if (!stream.resetting) events_.push_back(StreamReset{id, ResetReason::SessionEnded});
        streams_.remove(id);
    }
    events_.push_back(SessionOver{reason});
}

}  // namespace relay
