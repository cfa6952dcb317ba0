// The lives of streams: what the local side does with them, and the messages that follow.
#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/crash_fence.h"
#include "common/session/session.h"

namespace relay {

StreamRecord Session::fresh_record(StreamId id) const {
    return {.id = id,
            .opened_at = control_.written(),
            .peer_window = options_.window_bytes,
            .credit = first_credit(options_.window_bytes, now_)};
}

// What the local side may use: never the control stream, nor what only waits for its RESET.
StreamRecord* Session::living(StreamId id) const {
    StreamRecord* stream = id == control_stream ? nullptr : streams_.find(id);
    return stream == nullptr || stream->resetting ? nullptr : stream;
}

// The record comes before the OPEN: a process that finds no OPEN drops the record, and its socket
// asks again.
Result<StreamId> Session::open(const Destination& destination, TimePoint now,
                               const LocalSocket& socket) {
    now_ = now;
    if (over_) return Error{ErrorCode::Refused, "the session is over"};
    if (destination.host.empty() || destination.host.size() > wire::host_max_bytes ||
        destination.port == 0 || destination.visitor.size() > wire::visitor_max_bytes ||
        destination.listener.size() > wire::visitor_max_bytes) {
        return Error{ErrorCode::Malformed, "not a destination that can be sent"};
    }
    // The control stream itself counts as one.
    if (streams_.size() > options_.streams_max) {
        return Error{ErrorCode::TooLarge, "the session has as many streams as it may"};
    }
    flush_messages();
    const Error too_many{ErrorCode::TooLarge, "too many streams are being opened at once"};
    if (!messages_owed_.empty()) return too_many;
    const StreamId id{record_.next_stream};
    record_.next_stream += 2;
    StreamRecord record = fresh_record(id);
    record.socket = socket;
    record.sealed = destination.sealed_for.has_value();
    StreamRecord* stream = streams_.add(record);
    if (stream == nullptr) return Error{ErrorCode::TooLarge, "no memory for another stream"};
    if (!put_message(wire::Open{
            id.value, destination.port, destination.host, destination.visitor, destination.listener,
            destination.sealed_for ? Bytes{destination.sealed_for->bytes} : Bytes{}})) {
        streams_.remove(id);
        return too_many;
    }
    pin(*stream, control_.carrier);
    return id;
}

// The socket is whole before it is named.
void Session::set_socket(StreamId id, const LocalSocket& socket) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->socket.id != 0) return;
    stream->socket.given = socket.given;
    stream->socket.taken = socket.taken;
    crash_fence();
    stream->socket.id = socket.id;
}

void Session::connected(StreamId id, const LocalSocket& socket) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->connected) return;
    stream->socket = socket;
    crash_fence();
    stream->connected = true;
    crash_fence();
    forget_destination(*stream);
    stream->owes_connected = true;
    owe_message(*stream);
}

std::array<MutableBytes, 2> Session::write_space(StreamId id) {
    return write_space_of(id, 1);
}

std::array<MutableBytes, 2> Session::write_space_of(StreamId id, std::size_t least) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->finished) return {};
    stream->wants_room =
        !make_sending_room(*stream) || free_bytes(stream->sending) < std::uint32_t(least);
    if (stream->wants_room) return {};
    return memory_.room(stream->sending);
}

void Session::wrote(StreamId id, std::size_t count) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || !stream->sending.has_memory()) return;
    check(count == 0 || !stream->finished);
    extend(stream->sending, count);
    settle_sending(*stream);
    if (count > 0) mark_busy(*stream);
    schedule(*stream);
}

void Session::finish(StreamId id) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->finished) return;
    stream->finished = true;
    stream->wants_room = false;
    if (stream->sending.size() == 0) memory_.release(stream->sending);
    stream->owes_finish = true;
    owe_message(*stream);
}

std::array<Bytes, 2> Session::read_data(StreamId id) const {
    const StreamRecord* stream = living(id);
    if (stream == nullptr) return {};
    return memory_.held(stream->receiving, stream->consumed(), stream->receiving.size());
}

void Session::consumed(StreamId id, std::size_t count, TimePoint now) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || count == 0) return;
    now_ = now;
    drop_front(stream->receiving, count);
    measure_credit(*stream, now);
    settle_receiving(*stream);
    owe_ack(*stream, now);
    settle_finish(*stream);
    flush_messages();
}

void Session::reset(StreamId id, ResetReason reason) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || over_) return;
    stream->resetting = true;
    stream->reset_reason = reason;
    memory_.release(stream->receiving);
    // A server that says why and then resets is to be heard: what there is credit for goes first.
    const std::uint64_t credit_ends = stream->acknowledged() + stream->peer_window;
    // It must not be overtaken, so it goes where the RESET will go.
    const bool is_elsewhere = stream->carrier != control_.carrier;
    const std::uint64_t gone = is_elsewhere ? stream->acknowledged() : stream->sent;
    stream->draining = reason == ResetReason::PeerReset && gone < stream->written() &&
                       stream->written() <= credit_ends;
    if (stream->draining) {
        if (is_elsewhere) move(*stream, control_.carrier);
        schedule(*stream);
    } else {
        memory_.release(stream->sending);
        owe_message(*stream);
    }
    if (!memory_waiters_.empty()) serve_memory_waiters();
}

SocketPosition Session::position(StreamId id) const {
    const StreamRecord* stream = living(id);
    if (stream == nullptr) return {};
    return {stream->written(), stream->consumed()};
}

std::optional<StreamInfo> Session::info(StreamId id) const {
    const StreamRecord* stream = living(id);
    if (stream == nullptr) return std::nullopt;
    StreamInfo info;
    info.id = id;
    info.connected = stream->connected;
    info.sent_finish = stream->finished;
    info.received_finish = stream->has_finish;
    info.received_all = stream->has_finish && stream->received() == stream->finish_at;
    info.bytes_sent = stream->acknowledged();
    info.bytes_received = stream->consumed();
    info.socket = stream->socket;
    info.bytes_written = stream->written();
    info.sealed = stream->sealed;
    const SealRecord* kept = seal(id);
    if (kept != nullptr && kept->phase == SealRecord::Phase::Sealed) info.sealed_with = kept->peer;
    info.buffered_bytes = std::size_t{stream->sending.size()} + stream->receiving.size();
    if (stream->carrier != CarrierId{}) info.carrier = stream->carrier;
    return info;
}

std::vector<StreamId> Session::streams() const {
    std::vector<StreamId> ids = streams_.ids();
    std::erase_if(ids, [&](StreamId id) { return !has(id); });
    return ids;
}

CarrierStats Session::carrier_stats(CarrierId id) const {
    const Attachment* carrier = find(id);
    if (carrier == nullptr) return {};
    return {carrier->ready, carrier->liveness.rtt()};
}

// False: the control stream has no room now; it will have when the peer acknowledges.
bool Session::put_message(const wire::ControlMessage& message) {
    std::uint8_t room[wire::control_header_bytes + wire::control_message_max_bytes];
    ByteWriter writer{room};
    wire::put_control_message(writer, message);
    check(writer.ok());
    return put_bytes(writer.written());
}

bool Session::put_bytes(Bytes message) {
    if (!control_.sending.has_memory() &&
        !memory_.allocate(control_.sending, wire::control_window_bytes, RingMemory::Use::Control)) {
        wait_for_memory(control_);
        return false;
    }
    if (free_bytes(control_.sending) < message.size()) return false;
    memory_.append(control_.sending, message);
    return true;
}

void Session::owe_message(StreamRecord& stream) {
    if (!stream.control_queued) {
        stream.control_queued = true;
        messages_owed_.push_back(stream.id);
    }
    flush_messages();
}

void Session::flush_messages() {
    while (!messages_owed_.empty() && !over_) {
        StreamRecord* stream = streams_.find(messages_owed_.front());
        if (stream != nullptr && !flush_messages_of(*stream)) return;
        messages_owed_.pop_front();
    }
    flush_notices();
}

// False: some had to stay. Afterwards the stream may be gone.
bool Session::flush_messages_of(StreamRecord& stream) {
    const std::uint64_t id = stream.id.value;
    if (stream.draining) {
        stream.control_queued = false;  // Comes back when it is drained.
        return true;
    }
    if (stream.resetting) {
        if (!put_message(wire::Reset{id, stream.reset_reason})) return false;
        forget(stream);
        return true;
    }
    if (stream.owes_connected) {
        if (!put_message(wire::Connected{id})) return false;
        stream.owes_connected = false;
    }
    if (stream.owes_finish) {
        if (!put_message(wire::Finish{id, stream.written()})) return false;
        stream.owes_finish = false;
    }
    if (stream.owes_done) {
        if (!put_message(wire::DoneMessage{id})) return false;
        stream.owes_done = false;
    }
    stream.control_queued = false;
    close_if_done(stream);
    return true;
}

// Once the peer's last byte is consumed, both sides are told.
void Session::settle_finish(StreamRecord& stream) {
    if (!stream.has_finish || stream.done_sent || stream.consumed() != stream.finish_at) return;
    stream.done_sent = true;
    stream.owes_done = true;
    events_.push_back(StreamFinished{stream.id});
    if (!stream.control_queued) {
        stream.control_queued = true;
        messages_owed_.push_back(stream.id);
    }
}

void Session::close_if_done(StreamRecord& stream) {
    if (!stream.done_sent || !stream.done_received || stream.owes_done || stream.owes_finish)
        return;
    events_.push_back(StreamClosed{stream.id});
    forget(stream);
}

void Session::acknowledge(StreamRecord& stream, std::uint64_t offset) {
    if (stream.wants_room && stream.sent == stream.written()) stream.held_back = true;
    if (offset > stream.acknowledged()) {
        drop_front(stream.sending, offset - stream.acknowledged());
        stream.sent = std::max(stream.sent, offset);
        settle_sending(stream);
    }
    if (stream.acknowledged() == stream.written()) mark_idle(stream);
    const Ring& ring = stream.sending;
    const bool has_room = !ring.has_memory() || free_bytes(ring) >= ring.capacity() / 2;
    if (stream.wants_room && (has_room || stream.held_back)) {
        stream.wants_room = false;
        events_.push_back(StreamWritable{stream.id});
    }
    schedule(stream);
}

void Session::release_rings(StreamRecord& stream) {
    memory_.release(stream.sending);
    memory_.release(stream.receiving);
}

// The record goes first: it must not be found with its rings gone.
void Session::forget(StreamRecord& stream) {
    pin(stream, CarrierId{});
    StreamRecord gone = stream;
    streams_.remove(stream.id);
    release_rings(gone);
    forget_destination(gone);
    forget_seal(gone);
    forget_ftp(gone);
}

void Session::forget_destination(StreamRecord& stream) {
    const BlockOffset block = std::exchange(stream.destination, 0);
    crash_fence();
    if (block != 0) arena_.release(block, sizeof(StoredDestination));
}

}  // namespace relay
