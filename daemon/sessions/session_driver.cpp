#include "daemon/sessions/session_driver.h"

#include <algorithm>

#include "daemon/io/system_clock.h"

namespace relay {

namespace {

constexpr Duration farewell_most = std::chrono::seconds(3);
constexpr std::size_t pings_most = 64;  // Whose answers somebody waits for.

template <typename... Visitors>
struct Overload : Visitors... {
    using Visitors::operator()...;
};
// clang 14 does not make it by itself.
template <typename... Visitors>
Overload(Visitors...) -> Overload<Visitors...>;

}  // namespace

// One carrier in its port.
class SessionDriver::Plugged final : public CarrierUser {
public:
    Plugged(SessionDriver& driver, CarrierId id, std::uint8_t slot,
            std::unique_ptr<CarrierPort> port)
        : driver_(driver), id_(id), slot_(slot), since_(now()), port_(std::move(port)) {}

    CarrierId id() const { return id_; }
    std::uint8_t slot() const { return slot_; }
    TimePoint since() const { return since_; }
    Carrier& carrier() { return port_->carrier(); }
    void start() { port_->plug_into(*this); }
    void retire() {
        is_retired_ = true;
        port_->carrier().close_after_flush();
    }

    Status carrier_received(Bytes& input) override {
        if (is_retired_) {
            input = {};  // What it says still comes again, on another.
            return Done{};
        }
        SessionDriver& driver = driver_;
        const Status taken = driver.session_.receive(id_, input, now());
        if (!taken) driver.settle();  // May destroy this.
        return taken;
    }

    void carrier_drained() override {
        if (!is_retired_) driver_.settle();  // May destroy this.
    }

    std::size_t carrier_fill(MutableBytes room) override {
        if (is_retired_) return 0;
        const std::size_t size = driver_.session_.transmit(id_, room, now());
        const bool ends = driver_.session_.over() || driver_.ending_after_flush_;
        if (size == 0 && ends) driver_.closing_.schedule();
        return size;
    }

    void carrier_closed(const Error& why) override { driver_.lost(id_, why); }

private:
    SessionDriver& driver_;
    CarrierId id_;
    std::uint8_t slot_;
    TimePoint since_;
    std::unique_ptr<CarrierPort> port_;
    bool is_retired_ = false;
};

SessionDriver::SessionDriver(Loop& loop, SessionUser& user, Side side, const SessionId& id,
                             Arena& arena, const SessionOptions& options)
    : loop_(loop), user_(user), since_(now()), session_(side, id, arena, options, since_) {}

SessionDriver::SessionDriver(Loop& loop, SessionUser& user, const SessionRemains& remains,
                             const Session::FindSocket& find_socket, Arena& arena,
                             const SessionOptions& options)
    : loop_(loop),
      user_(user),
      since_(now()),
      session_(remains, find_socket, arena, options, since_) {}

SessionDriver::~SessionDriver() = default;

void SessionDriver::attach(std::unique_ptr<CarrierPort> port, std::uint8_t slot) {
    const CarrierId id{++last_carrier_};
    const auto same_slot = std::find_if(carriers_.begin(), carriers_.end(),
                                        [&](const auto& entry) { return entry->slot() == slot; });
    if (same_slot != carriers_.end()) {
        session_.detach((*same_slot)->id(), now());
        carriers_.erase(same_slot);
    }
    carriers_.push_back(std::make_unique<Plugged>(*this, id, slot, std::move(port)));
    session_.attach(id, now());
    carriers_.back()->start();
    settle();
}

void SessionDriver::deadline_reached() {
    session_.deadline_reached(now());
    settle();
}

// Unlike one that dies it has said all that it was given. The peer hears of the move at once, by
// the acknowledgements on another carrier, and of the end when the goodbye arrives.
void SessionDriver::retire(std::uint8_t slot) {
    const auto found = std::find_if(carriers_.begin(), carriers_.end(),
                                    [&](const auto& entry) { return entry->slot() == slot; });
    if (found == carriers_.end()) return;
    retired_.push_back(std::move(*found));
    carriers_.erase(found);
    session_.detach(retired_.back()->id(), now());
    retired_.back()->retire();
    settle();
}

void SessionDriver::forget_retired(CarrierId carrier) {
    std::erase_if(retired_, [&](const auto& entry) { return entry->id() == carrier; });
}

void SessionDriver::drop_carriers() {
    for (const auto& carrier : carriers_) session_.detach(carrier->id(), now());
    carriers_.clear();
    settle();
}

void SessionDriver::end(EndReason reason) {
    session_.end(reason);
    settle();
}

void SessionDriver::end_after_flush(EndReason reason) {
    ending_after_flush_ = reason;
    farewell_.arm(farewell_most);
    end_if_flushed();
}

void SessionDriver::end_if_flushed() {
    if (!ending_after_flush_ || session_.over()) return;
    for (const auto& carrier : carriers_) {
        if (session_.has_work(carrier->id())) return;  // Its fill schedules this again.
    }
    end(*ending_after_flush_);
}

Result<StreamId> SessionDriver::open(const Destination& to, std::unique_ptr<StreamEnd> end,
                                     const LocalSocket& socket) {
    auto stream = session_.open(to, now(), socket);
    if (stream) ends_[*stream].end = std::move(end);
    return stream;
}

void SessionDriver::adopt(StreamId stream, std::unique_ptr<StreamEnd> end) {
    if (!session_.has(stream)) return;
    LocalEnd& place = ends_[stream];
    if (place.end) ended_.push_back(std::move(place.end));
    place.end = std::move(end);
    if (!session_.read_data(stream)[0].empty()) {
        place.end->readable();
    } else if (place.finished) {
        place.end->finished();
    }
    settle();
}

void SessionDriver::reset(StreamId stream, ResetReason reason) {
    session_.reset(stream, reason);
    if (StreamEnd* end = end_of(stream)) end->reset(reason);
    retire(stream, reason);
    settle();
}

bool SessionDriver::ready() const {
    return !session_.over() &&
           std::any_of(carriers_.begin(), carriers_.end(), [&](const auto& carrier) {
               return session_.carrier_stats(carrier->id()).ready;
           });
}

std::vector<SessionDriver::CarrierView> SessionDriver::carriers() const {
    std::vector<CarrierView> views;
    for (const auto& carrier : carriers_) views.push_back(view_of(*carrier));
    return views;
}

SessionDriver::CarrierView SessionDriver::view_of(Plugged& plugged) const {
    return {plugged.slot(),
            plugged.carrier().info(),
            plugged.carrier().counters(),
            session_.carrier_stats(plugged.id()),
            plugged.since(),
            plugged.carrier().path()};
}

std::optional<SessionDriver::CarrierView> SessionDriver::ping(Answered answered) {
    if (session_.over() || carriers_.empty()) return std::nullopt;
    const auto is_ready = [&](const auto& carrier) {
        return session_.carrier_stats(carrier->id()).ready;
    };
    const auto found = std::find_if(carriers_.begin(), carriers_.end(), is_ready);
    const bool ready = found != carriers_.end();
    Plugged& carrier = ready ? **found : *carriers_.front();
    if (awaited_.size() >= pings_most) awaited_.erase(awaited_.begin());
    awaited_.push_back({carrier.id(), std::move(answered), ready});
    CarrierView view = view_of(carrier);
    if (ready) session_.ping(carrier.id(), now());
    settle();
    return view;
}

void SessionDriver::carrier_ready(CarrierId carrier) {
    bool is_wanted = false;
    for (Awaited& one : awaited_) {
        if (one.carrier == carrier && !one.is_asked) one.is_asked = is_wanted = true;
    }
    if (is_wanted) session_.ping(carrier, now());
    user_.carrier_ready(*this);
}

void SessionDriver::answered(const CarrierAnswered& what) {
    const auto all = std::move(awaited_);
    awaited_.clear();
    for (const Awaited& one : all) {
        if (one.carrier == what.carrier && one.is_asked) {
            one.answered(what.rtt);
            continue;
        }
        // Those of carriers that are gone are dropped.
        const auto is_it = [&](const auto& carrier) { return carrier->id() == one.carrier; };
        if (std::any_of(carriers_.begin(), carriers_.end(), is_it)) awaited_.push_back(one);
    }
}

bool SessionDriver::has_carrier(std::uint8_t slot) const {
    return std::any_of(carriers_.begin(), carriers_.end(),
                       [&](const auto& carrier) { return carrier->slot() == slot; });
}

void SessionDriver::settle() {
    if (settling_) return;
    settling_ = true;
    while (const auto event = session_.next_event()) hand_out(*event);
    if (held_.stream() && may_go_on(*held_.stream())) {
        held_.wait();
    } else {
        tell_readable(held_.take());
    }
    settling_ = false;
    for (const auto& carrier : carriers_) {
        if (session_.has_work(carrier->id())) carrier->carrier().kick();
    }
    if (const auto deadline = session_.deadline()) {
        timer_.arm_at(*deadline);
    } else {
        timer_.disarm();
    }
    if (end_reason_ && carriers_.empty()) finish_ending();
    // Last: these may be what called us.
    const auto ended = std::move(ended_);
    ended_.clear();
}

void SessionDriver::hand_out(const Event& event) {
    if (const auto* readable = std::get_if<StreamReadable>(&event)) {
        return tell_readable(held_.swap(readable->stream));
    }
    tell_readable(held_.take());
    std::visit(
        Overload{
            [&](const StreamOpened& opened) {
                user_.stream_opened(*this, opened.stream, opened.destination);
            },
            [&](const StreamConnected& what) {
                if (StreamEnd* end = end_of(what.stream)) end->connected();
            },
            [](const StreamReadable&) {},  // See above.
            [&](const StreamFinished& what) {
                const auto found = ends_.find(what.stream);
                if (found == ends_.end()) return;
                found->second.finished = true;
                found->second.end->finished();
            },
            [&](const StreamWritable& what) {
                if (StreamEnd* end = end_of(what.stream)) end->writable();
            },
            [&](const StreamReset& what) {
                if (StreamEnd* end = end_of(what.stream)) end->reset(what.reason);
                retire(what.stream, what.reason);
            },
            [&](const StreamClosed& what) {
                if (StreamEnd* end = end_of(what.stream)) end->closed();
                retire(what.stream, std::nullopt);
            },
            [&](const CarrierAnswered& what) { answered(what); },
            [&](const CarrierReady& what) { carrier_ready(what.carrier); },
            [&](const CarrierDead& dead) {
                if (unplug(dead.carrier)) user_.carrier_lost(*this, dead.text);
            },
            [&](const ForwardsWanted& wanted) { user_.forwards_wanted(*this, wanted.forwards); },
            [&](const ForwardTold& told) { user_.forward_told(*this, told); },
            [&](const SessionOver& over) {
                end_reason_ = over.reason;
                farewell_.arm(farewell_most);
                closing_.schedule();
            },
        },
        event);
}

void SessionDriver::tell_readable(std::optional<StreamId> stream) {
    StreamEnd* end = stream ? end_of(*stream) : nullptr;
    if (end != nullptr) end->readable();
}

// It has got whole records, and less than its peer sends of a stream in its turn.
bool SessionDriver::may_go_on(StreamId stream) const {
    const auto data = session_.read_data(stream);
    const std::size_t held = data[0].size() + data[1].size();
    return held >= bytes_per_record && held < WriteScheduler::quantum_bytes;
}

void SessionDriver::held_for_long() {
    tell_readable(held_.take());
    settle();
}

StreamEnd* SessionDriver::end_of(StreamId stream) {
    const auto found = ends_.find(stream);
    return found == ends_.end() ? nullptr : found->second.end.get();
}

void SessionDriver::retire(StreamId stream, std::optional<ResetReason> reset) {
    const auto found = ends_.find(stream);
    if (found == ends_.end()) return;
    ended_.push_back(std::move(found->second.end));
    ends_.erase(found);
    user_.stream_over(*this, stream, reset);
}

std::unique_ptr<SessionDriver::Plugged> SessionDriver::unplug(CarrierId carrier) {
    const auto found = std::find_if(carriers_.begin(), carriers_.end(),
                                    [&](const auto& entry) { return entry->id() == carrier; });
    if (found == carriers_.end()) return nullptr;
    auto plugged = std::move(*found);
    carriers_.erase(found);
    return plugged;
}

void SessionDriver::lost(CarrierId carrier, const Error& why) {
    const auto plugged = unplug(carrier);  // Destroyed on the way out: it is what called us.
    if (!plugged) return forget_retired(carrier);
    session_.detach(carrier, now());
    if (!end_reason_) {
        const bool goes_on = why.text == carrier_goodbye && attached();
        goes_on ? user_.carrier_left(*this) : user_.carrier_lost(*this, why.text);
    }
    settle();
}

void SessionDriver::farewell_is_over() {
    if (!session_.over()) return end(*ending_after_flush_);
    finish_ending();
}

// The goodbye is filled, or there was none to say.
void SessionDriver::close_carriers() {
    end_if_flushed();
    if (!session_.over()) return;
    for (const auto& carrier : carriers_) {
        if (session_.has_work(carrier->id())) return;  // Its fill schedules this again.
    }
    for (const auto& carrier : carriers_) carrier->carrier().close_after_flush();
    if (carriers_.empty()) finish_ending();
}

void SessionDriver::finish_ending() {
    farewell_.disarm();
    ending_.schedule();
}

}  // namespace relay
