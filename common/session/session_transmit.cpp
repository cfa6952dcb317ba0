// What leaves on a carrier: one record of whole frames at a time, the most urgent first.
#include <algorithm>

#include "common/base/check.h"
#include "common/session/session.h"

namespace relay {

std::size_t Session::transmit(CarrierId carrier, MutableBytes room, TimePoint now) {
    Attachment* attachment = find(carrier);
    if (attachment == nullptr) return 0;
    now_ = now;
    ByteWriter writer{room};
    if (over_) {
        if (bye_ && !attachment->bye_written) {
            const auto reason = static_cast<std::uint8_t>(*bye_);
            wire::put_frame(writer, wire::FrameType::Bye, {&reason, 1});
            attachment->bye_written = true;
        }
        return writer.size();
    }
    if (attachment->pong) {
        wire::put_token(writer, wire::FrameType::Pong, *attachment->pong);
        attachment->pong.reset();
        attachment->liveness.pong_written();
    }
    if (attachment->liveness.ping_due()) {
        wire::put_token(writer, wire::FrameType::Ping, attachment->liveness.ping_written(now));
    }
    write_announcements(*attachment, writer);
    // Acknowledgements ride along with whatever leaves. Once they are due they travel alone, and
    // ahead of bytes: streams that fill every record would keep the peer from sending any.
    const bool due = attachment->acks_due && *attachment->acks_due <= now;
    if (attachment->announced && due) write_acks(*attachment, writer);
    if (attachment->ready) write_streams(*attachment, writer);
    if (attachment->announced && writer.size() > 0) write_acks(*attachment, writer);
    check(writer.ok());
    return writer.size();
}

bool Session::has_work(CarrierId carrier) const {
    const Attachment* attachment = find(carrier);
    if (attachment == nullptr) return false;
    if (over_) return bye_ && !attachment->bye_written;
    if (attachment->pong || attachment->liveness.ping_due()) return true;
    if (!attachment->announced || !attachment->to_announce.empty()) return true;
    if (!rewinds_owed_.empty()) return true;
    if (attachment->acks_due && *attachment->acks_due <= now_) return true;
    if (!attachment->ready) return false;
    return !attachment->scheduler.empty() ||
           (control_.carrier == attachment->id && can_send(control_));
}

void Session::write_announcements(Attachment& carrier, ByteWriter& writer) {
    auto& queue = carrier.to_announce;
    while (!queue.empty() && writer.room() >= wire::ack_frame_bytes + wire::rewind_frame_bytes) {
        StreamRecord* stream = streams_.find(queue.front());
        queue.pop_front();
        if (stream == nullptr || stream->resetting) continue;
        wire::put_ack(writer, ack_of(*stream));
        // A REWIND may have died with its carrier.
        if (stream->dropping() && stream->rewind_asked) write_rewind(*stream, writer);
    }
    if (queue.empty() && !carrier.announced && writer.room() >= wire::frame_header_bytes) {
        wire::put_frame(writer, wire::FrameType::Resumed, {});
        carrier.announced = true;
    }
    if (!carrier.announced) return;
    while (!rewinds_owed_.empty() &&
           writer.room() >= wire::ack_frame_bytes + wire::rewind_frame_bytes) {
        StreamRecord* stream = streams_.find(rewinds_owed_.front());
        rewinds_owed_.pop_front();
        if (stream == nullptr || stream->resetting || !stream->dropping()) continue;
        // First, how much there is room for now.
        wire::put_ack(writer, ack_of(*stream));
        write_rewind(*stream, writer);
    }
}

void Session::write_streams(Attachment& carrier, ByteWriter& writer) {
    if (control_.carrier == carrier.id) {
        while (can_send(control_) && write_data(control_, writer) > 0) {
        }
        // Nothing overtakes the control stream: data could arrive before its OPEN.
        if (can_send(control_)) return;
    }
    while (writer.room() >= wire::data_frame_min_bytes) {
        const auto turn = carrier.scheduler.next();
        if (!turn) return;
        StreamRecord* stream = streams_.find(*turn);
        if (stream != nullptr && can_send(*stream)) {
            carrier.scheduler.charge(write_data(*stream, writer));
            if (can_send(*stream)) continue;
        }
        const bool has_left = carrier.scheduler.drop();
        if (stream != nullptr) {
            stream->scheduled = !has_left;
            stream->parked = !has_left;
        }
        if (stream != nullptr && stream->draining && stream->sent == stream->written()) {
            stream->draining = false;
            memory_.release(stream->sending);
            owe_message(*stream);  // The record may be gone now.
        }
    }
}

// Returns the bytes of the stream that were written; 0: no room.
std::size_t Session::write_data(StreamRecord& stream, ByteWriter& writer) {
    if (writer.room() < wire::data_frame_min_bytes) return 0;
    const std::uint64_t credit = stream.acknowledged() + stream.peer_window - stream.sent;
    const std::size_t room =
        std::min(writer.room() - wire::frame_header_bytes, wire::frame_payload_max_bytes) -
        wire::data_header_bytes;
    const std::size_t count =
        std::min({std::uint64_t{room}, credit, stream.written() - stream.sent});
    const auto pieces = memory_.held(stream.sending, stream.sent, count);
    wire::put_data(writer, stream.id.value, stream.sent, pieces[0], pieces[1]);
    stream.sent += count;
    stream.sent_most = std::max(stream.sent_most, stream.sent);
    return count;
}

bool Session::can_send(const StreamRecord& stream) const {
    return (!stream.resetting || stream.draining) && stream.sent < stream.written() &&
           stream.sent < stream.acknowledged() + stream.peer_window;
}

// To be called whenever can_send() may have become true.
void Session::schedule(StreamRecord& stream) {
    if (stream.id == control_stream || !can_send(stream)) return;
    if (stream.scheduled && !stream.parked) return;
    Attachment* carrier = find(stream.carrier);
    if (carrier == nullptr || !carrier->ready) return;
    if (stream.parked) {
        stream.parked = false;
        carrier->scheduler.revive(stream.id);
        return;
    }
    carrier->scheduler.add(stream.id);
    stream.scheduled = true;
}

wire::Ack Session::ack_of(StreamRecord& stream) const {
    return {stream.id.value, stream.consumed(), tell(stream.credit, stream.consumed())};
}

void Session::write_rewind(StreamRecord& stream, ByteWriter& writer) const {
    wire::put_rewind(writer, {stream.id.value, stream.received()});
}

Duration Session::ack_delay(const StreamRecord& stream) const {
    switch (urgency(stream.credit, stream.consumed())) {
        case Urgency::AtOnce: return Duration::zero();
        case Urgency::Soon: return options_.ack_delay_busy;
        case Urgency::Sometime: break;
    }
    return options_.ack_delay;
}

void Session::owe_ack(StreamRecord& stream, TimePoint now) {
    const TimePoint due = now + ack_delay(stream);
    if (carriers_.empty()) return;  // The next one begins by saying all.
    Attachment* carrier = find(stream.answer_on);
    if (carrier == nullptr) carrier = find(stream.carrier);
    if (carrier == nullptr) carrier = carriers_.front().get();
    stream.answer_on = carrier->id;
    if (!carrier->acks_due || due < *carrier->acks_due) carrier->acks_due = due;
    if (stream.ack_queued) return;
    stream.ack_queued = true;
    carrier->acks_owed.push_back(stream.id);
}

void Session::write_acks(Attachment& carrier, ByteWriter& writer) {
    auto& queue = carrier.acks_owed;
    while (!queue.empty() && writer.room() >= wire::ack_frame_bytes) {
        StreamRecord* stream = streams_.find(queue.front());
        queue.pop_front();
        if (stream == nullptr) continue;
        stream->ack_queued = false;
        if (!stream->resetting) wire::put_ack(writer, ack_of(*stream));
    }
    if (queue.empty()) carrier.acks_due.reset();
}

}  // namespace relay
