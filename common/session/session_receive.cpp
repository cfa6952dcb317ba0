// What arrives on a carrier, frame by frame.
#include <algorithm>
#include <new>
#include <utility>

#include "common/base/check.h"
#include "common/base/crash_fence.h"
#include "common/session/session.h"

namespace relay {

namespace {

Error broken(const char* text) {
    return Error{ErrorCode::Malformed, text};
}

}  // namespace

Status Session::receive(CarrierId carrier, Bytes& input, TimePoint now) {
    now_ = now;
    while (Attachment* attachment = over_ ? nullptr : find(carrier)) {
        const auto frame = wire::take_frame(input);
        if (frame && !*frame) return Done{};
        const Status taken = frame ? on_frame(*attachment, **frame, now) : Status{frame.error()};
        if (!taken) {
            end(EndReason::ProtocolError);
            return taken.error();
        }
        flush_messages();
    }
    input = {};
    return Done{};
}

Status Session::on_frame(Attachment& carrier, const wire::Frame& frame, TimePoint now) {
    using wire::FrameType;
    switch (frame.type) {
        case FrameType::Data: {
            const auto data = wire::parse_data(frame.payload);
            if (!data) return data.error();
            return data->stream == 0 ? on_control_data(carrier, *data, now)
                                     : on_data(carrier, *data, now);
        }
        case FrameType::Ack: {
            const auto ack = wire::parse_ack(frame.payload);
            return ack ? on_ack(carrier, *ack, now) : Status{ack.error()};
        }
        case FrameType::Rewind: {
            const auto rewind = wire::parse_rewind(frame.payload);
            return rewind ? on_rewind(*rewind) : Status{rewind.error()};
        }
        case FrameType::Ping: {
            const auto token = wire::parse_token(frame.payload);
            if (!token) return token.error();
            carrier.pong = *token;
            carrier.liveness.pinged(now);
            return Done{};
        }
        case FrameType::Pong: {
            const auto token = wire::parse_token(frame.payload);
            if (!token) return token.error();
            on_pong(carrier, *token, now);
            return Done{};
        }
        case FrameType::Resumed: on_resumed(carrier); return Done{};
        case FrameType::Bye: {
            if (frame.payload.size() != 1) return broken("BYE of a wrong length");
            const EndReason reason{frame.payload[0]};
            end(is_on_wire(reason) ? reason : EndReason::ShuttingDown);
            bye_.reset();  // The peer knows.
            return Done{};
        }
        case FrameType::Hello:
        case FrameType::Challenge:
        case FrameType::Proof:
        case FrameType::Welcome:
        case FrameType::Refusal: return broken("a handshake frame after the handshake");
    }
    unreachable();
}

// The record; null for a stream that is over; an error for one that was never opened. The control
// stream is none of those that messages are about.
Result<StreamRecord*> Session::known(StreamId stream) const {
    if (stream == control_stream) return broken("a message about the control stream");
    if (StreamRecord* record = streams_.find(stream)) {
        return record->resetting ? nullptr : record;
    }
    const bool ours = (stream.value % 2 == 0) == (side_ == Side::Relay);
    if (ours ? stream.value >= record_.next_stream : stream.value > record_.peer_stream) {
        return broken("a stream that was never opened");
    }
    return static_cast<StreamRecord*>(nullptr);
}

// Its acknowledgements go back the way its bytes came, whatever becomes of other carriers.
void Session::answer_on(const Attachment& carrier, StreamRecord& stream, TimePoint now) {
    if (stream.answer_on == carrier.id) return;
    if (Attachment* former = find(stream.answer_on)) std::erase(former->acks_owed, stream.id);
    stream.answer_on = carrier.id;
    if (!stream.ack_queued) return;
    stream.ack_queued = false;
    owe_ack(stream, now);
}

Status Session::on_data(const Attachment& carrier, const wire::Data& data, TimePoint now) {
    const auto found = known(StreamId{data.stream});
    if (!found) return found.error();
    if (*found == nullptr) return Done{};
    StreamRecord& stream = **found;

    answer_on(carrier, stream, now);
    const std::uint64_t end = data.offset + data.bytes.size();
    if (end > stream.credit.most) return broken("more bytes than credit");
    if (stream.has_finish && end > stream.finish_at) return broken("bytes behind FINISH");
    if (data.offset > stream.received()) return on_gap(stream, end);
    if (end <= stream.received()) {
        owe_ack(stream, now);  // The peer does not know.
        return Done{};
    }
    keep(stream, data.bytes.subspan(stream.received() - data.offset));
    return Done{};
}

// Each carrier brings a stream's bytes in order. So a gap is a broken rule, unless bytes before
// found no room; then it stays one until all of them have come again, whatever other carriers
// bring.
Status Session::on_gap(StreamRecord& stream, std::uint64_t end) {
    if (!stream.dropping()) return broken("a gap in a stream");
    stream.dropped_to = std::max(stream.dropped_to, end);
    return Done{};
}

void Session::keep(StreamRecord& stream, Bytes fresh) {
    const std::size_t count = make_receiving_room(stream, fresh.size());
    if (count > 0) {
        if (stream.receiving.size() == 0 || takes_whole_pieces(stream)) {
            events_.push_back(StreamReadable{stream.id});
        }
        memory_.append(stream.receiving, fresh.first(count));
    }
    if (count == fresh.size()) return;
    drop_the_rest(stream, stream.received() + fresh.size() - count);
}

Status Session::on_control_data(const Attachment& carrier, const wire::Data& data, TimePoint now) {
    answer_on(carrier, control_, now);
    const std::uint64_t end = data.offset + data.bytes.size();
    if (data.offset > control_.received()) return broken("a gap in the control stream");
    if (end > control_.received()) {
        const Bytes fresh = data.bytes.subspan(control_.received() - data.offset);
        control_input_.insert(control_input_.end(), fresh.begin(), fresh.end());
        control_.receiving.end = end;
        Bytes input = control_input_;
        while (!over_) {
            const auto message = wire::take_control_message(input);
            if (!message) return message.error();
            if (!*message) break;
            const Status taken = on_message(**message);
            if (!taken) return taken;
            // At once: after a kill only the last one comes again.
            crash_fence();
            control_.receiving.begin = end - input.size();
            may_repeat_ = false;
        }
        control_input_.erase(control_input_.begin(),
                             control_input_.end() - static_cast<std::ptrdiff_t>(input.size()));
    }
    owe_ack(control_, now);
    return Done{};
}

Status Session::on_ack(Attachment& carrier, const wire::Ack& ack, TimePoint now) {
    const StreamId id{ack.stream};
    const auto found = id == control_stream ? Result<StreamRecord*>{&control_} : known(id);
    if (!found) return found.error();
    if (*found == nullptr) return Done{};
    StreamRecord& stream = **found;
    if (ack.offset > stream.sent_most) return broken("an ACK of what was never sent");
    if (ack.offset < stream.acknowledged()) return Done{};
    // Said of what went another way, it would tell nothing about this one.
    if (ack.offset > stream.acknowledged() && stream.carrier == carrier.id) {
        carrier.liveness.heard(now);
    }
    stream.peer_window = std::min(ack.window, wire::window_max_bytes);
    acknowledge(stream, ack.offset);
    return Done{};
}

void Session::on_pong(Attachment& carrier, std::uint64_t token, TimePoint now) {
    if (!carrier.liveness.pong(token, now)) return;
    const Duration seen = *carrier.liveness.rtt();
    if (!carrier.round_trip || seen < *carrier.round_trip) carrier.round_trip = seen;
    if (std::exchange(carrier.answer_wanted, false)) {
        events_.push_back(CarrierAnswered{carrier.id, seen});
    }
}

Status Session::on_rewind(const wire::Rewind& rewind) {
    const auto found = known(StreamId{rewind.stream});
    if (!found) return found.error();
    if (*found == nullptr) return Done{};
    StreamRecord& stream = **found;
    if (rewind.offset > stream.sent_most) return broken("a REWIND to what was never sent");
    // An ACK of what came on another carrier may have overtaken it: what was dropped lies behind.
    const std::uint64_t offset = std::max(rewind.offset, stream.acknowledged());
    if (offset >= stream.sent) return Done{};
    stream.sent = offset;
    schedule(stream);
    return Done{};
}

void Session::on_resumed(Attachment& carrier) {
    if (carrier.ready) return;
    carrier.ready = true;
    adopt_orphans();
    if (carriers_.size() > 1) streams_.for_each([&](StreamRecord& stream) { balance(stream); });
    events_.push_back(CarrierReady{carrier.id});
}

Status Session::on_message(const wire::ControlMessage& message) {
    if (const auto* open = std::get_if<wire::Open>(&message)) return on_open(*open);
    if (const auto* finish = std::get_if<wire::Finish>(&message)) return on_finish(*finish);
    if (const auto* done = std::get_if<wire::DoneMessage>(&message)) {
        return on_done(StreamId{done->stream});
    }
    if (const auto* connected = std::get_if<wire::Connected>(&message)) {
        const auto found = known(StreamId{connected->stream});
        if (!found) return found.error();
        if (*found == nullptr || (*found)->connected) return Done{};
        (*found)->connected = true;
        balance(**found);
        events_.push_back(StreamConnected{(*found)->id});
        return Done{};
    }
    if (!std::holds_alternative<wire::Reset>(message)) return on_forward_message(message);
    const auto& reset = std::get<wire::Reset>(message);
    const StreamId id{reset.stream};
    const auto found = known(id);
    if (!found) return found.error();
    StreamRecord* stream = streams_.find(id);
    if (stream == nullptr) return Done{};
    if (!stream->resetting) events_.push_back(StreamReset{id, reset.reason});
    forget(*stream);
    return Done{};
}

Status Session::on_open(const wire::Open& open) {
    const StreamId id{open.stream};
    const bool theirs = (open.stream % 2 == 1) == (side_ == Side::Relay);
    if (open.stream == 0 || !theirs) return broken("OPEN with a number of the wrong side");
    if (may_repeat_ && open.stream == record_.peer_stream) return Done{};
    if (open.stream <= record_.peer_stream) return broken("OPEN with a number used before");
    const bool room = streams_.size() <= options_.streams_max;
    // Those beyond are refused at once; they pile up only while the peer takes no refusal.
    if (streams_.size() > options_.streams_max + wire::streams_max) {
        return broken("more OPENs than their answers are taken");
    }
    const auto block = arena_.allocate(sizeof(StoredDestination));
    if (!block) return broken("no memory for another stream");
    Destination destination{std::string(open.host), open.port, std::string(open.visitor),
                            std::string(open.listener)};
    if (!open.sealed_for.empty()) {
        destination.sealed_for.emplace();
        std::copy(open.sealed_for.begin(), open.sealed_for.end(),
                  destination.sealed_for->bytes.begin());
    }
    new (arena_.view(*block, sizeof(StoredDestination)).data())
        StoredDestination{stored(destination)};
    StreamRecord record = fresh_record(id);
    record.destination = *block;
    record.sealed = destination.sealed_for.has_value();
    StreamRecord* stream = streams_.add(record);
    if (stream == nullptr) {
        arena_.release(*block, sizeof(StoredDestination));
        return broken("no memory for another stream");
    }
    crash_fence();
    record_.peer_stream = open.stream;  // From now on it is opened.
    pin(*stream, least_busy());
    if (!room) {
        reset(id, ResetReason::LimitReached);
        return Done{};
    }
    events_.push_back(StreamOpened{id, destination});
    return Done{};
}

Status Session::on_finish(const wire::Finish& finish) {
    const auto found = known(StreamId{finish.stream});
    if (!found) return found.error();
    if (*found == nullptr) return Done{};
    StreamRecord& stream = **found;
    if (stream.has_finish) {
        // Whoever goes on after a kill says it again.
        return finish.offset == stream.finish_at ? Status{Done{}} : broken("a second FINISH");
    }
    if (finish.offset < stream.received()) return broken("FINISH before bytes that have come");
    stream.finish_at = finish.offset;
    crash_fence();
    stream.has_finish = true;
    // Its end may be waiting for more of what it has.
    if (takes_whole_pieces(stream) && stream.receiving.size() > 0) {
        events_.push_back(StreamReadable{stream.id});
    }
    settle_finish(stream);
    return Done{};
}

Status Session::on_done(StreamId id) {
    const auto found = known(id);
    if (!found) return found.error();
    if (*found == nullptr) return Done{};
    StreamRecord& stream = **found;
    if (!stream.finished || stream.sent_most < stream.written()) {
        return broken("DONE before the end");
    }
    acknowledge(stream, stream.written());
    stream.done_received = true;
    close_if_done(stream);
    return Done{};
}

}  // namespace relay
