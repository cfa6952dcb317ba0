// Going on with a session that another process left (docs/CONTINUITY.md). Facts are taken from its
// records and from the kernel; what was owed to the peer is said again, since nobody knows if it
// was said: all of it may be heard twice.
#include <algorithm>

#include "common/base/check.h"
#include "common/session/session.h"

namespace relay {

Session::Session(const SessionRemains& remains, const FindSocket& find_socket, Arena& arena,
                 const SessionOptions& options, TimePoint now)
    : Session(remains.record().side, remains.record().id, arena, options, now) {
    const SessionRecord& former = remains.record();
    if (former.left_at != TimePoint{}) record_.left_at = std::min(former.left_at, now);
    record_.next_stream = std::max(record_.next_stream, former.next_stream);
    record_.peer_stream = former.peer_stream;
    record_.peer_version = former.peer_version;
    may_repeat_ = true;
    const std::vector<StreamRecord> streams = remains.streams();
    const bool goes_on = !streams.empty() && streams.front().id == control_stream &&
                         take_over_control(streams.front(), remains);
    for (const StreamRecord& stream : streams) {
        if (stream.id == control_stream) continue;
        if (goes_on) {
            take_over(stream, remains, find_socket);
        } else if (stream.socket.id != 0) {
            // It is ours, and goes with the session.
            (void)find_socket(stream.socket, written_down(stream, remains));
        }
    }
    if (!goes_on) end(EndReason::Forgotten);
}

bool Session::take_over_control(const StreamRecord& former, const SessionRemains& remains) {
    if (former.sent_most < former.acknowledged() || former.sent_most > former.written()) {
        return false;
    }
    control_.sent = former.acknowledged();
    control_.sent_most = former.sent_most;
    control_.peer_window = std::min(former.peer_window, wire::window_max_bytes);
    control_.receiving.begin = control_.receiving.end = former.consumed();
    control_.credit.told = former.consumed();
    control_.credit.most = std::max(former.credit.most, control_.credit.most);
    control_.credit.round_offset = former.consumed();
    return memory_.take_over(control_.sending, former.sending, former.written(), remains.arena(),
                             RingMemory::Use::Control);
}

void Session::take_over(const StreamRecord& former, const SessionRemains& remains,
                        const FindSocket& find_socket) {
    const bool ours = (former.id.value % 2 == 0) == (side_ == Side::Relay);
    // Its number was taken, and its OPEN never written: nobody has heard of it.
    if (ours && former.opened_at >= control_.written()) return;
    // Its OPEN will be heard again.
    if (!ours && former.id.value > record_.peer_stream) return;
    if (ours && former.id.value >= record_.next_stream) return;
    SocketPosition counted{former.written(), former.consumed()};
    std::optional<SocketPosition> position;
    if (former.socket.id != 0) {
        position = find_socket(former.socket, written_down(former, remains));
    }

    StreamRecord fresh = fresh_record(former.id);
    fresh.opened_at = former.opened_at;
    fresh.socket = former.socket;
    fresh.sealed = former.sealed;
    StreamRecord* stream = streams_.add(fresh);
    check(stream != nullptr);  // There was room for as many before.
    const bool is_being_connected = !ours && !former.connected && former.socket.id == 0;
    ResetReason reason = ResetReason::Internal;
    bool lives = false;
    if (former.resetting) {
        reason = former.reset_reason;
        stream->draining = former.draining && former.sending.size() > 0 &&
                           take_over_bytes(*stream, former, remains, counted);
        stream->resetting = true;
    } else if (is_being_connected) {
        lives = take_over_seal(*stream, former, remains, counted) &&
                take_over_bytes(*stream, former, remains, counted) &&
                take_over_destination(*stream, former, remains);
    } else if (!position) {
        reason = ResetReason::PeerReset;
    } else {
        lives = take_over_ftp(*stream, former, remains, *position) &&
                take_over_seal(*stream, former, remains, *position) &&
                take_over_bytes(*stream, former, remains, *position);
    }
    if (!lives) {
        stream->resetting = true;
        stream->reset_reason = reason;
        if (!stream->draining) memory_.release(stream->sending);
    }
    say_again(*stream);
}

// The kernel's word goes: it may have given and taken more than was written down.
bool Session::take_over_bytes(StreamRecord& stream, const StreamRecord& former,
                              const SessionRemains& remains, const SocketPosition& position) {
    const bool takes_sense = position.taken >= former.consumed() &&
                             position.taken <= former.received() &&
                             former.received() <= former.credit.most;
    const bool gives_sense = former.sent_most >= former.acknowledged() &&
                             former.sent_most <= former.written() &&
                             (!former.finished || position.given == former.written());
    const bool ends_sense = !former.has_finish || position.taken <= former.finish_at;
    // Nobody but a reset can have ended a socket to which the stream had not said its end.
    const bool was_reset = position.ended && !former.done_sent;
    if (!takes_sense || !gives_sense || !ends_sense || was_reset) return false;
    const bool ours = (stream.id.value % 2 == 0) == (side_ == Side::Relay);
    stream.connected = former.connected || (!ours && former.socket.id != 0);
    stream.finished = former.finished;
    stream.has_finish = former.has_finish;
    stream.finish_at = former.finish_at;
    stream.done_received = former.done_received;
    stream.sent = former.acknowledged();
    stream.sent_most = former.sent_most;
    stream.peer_window = std::min(former.peer_window, wire::window_max_bytes);
    stream.sending_bytes = std::min(former.sending_bytes, options_.ring_most_bytes);
    // What was received and not taken, the peer still has.
    stream.receiving.begin = stream.receiving.end = position.taken;
    stream.credit.window =
        std::clamp(former.credit.window, options_.window_bytes, wire::window_max_bytes);
    stream.credit.told = position.taken;
    stream.credit.most = std::max(former.credit.most, stream.credit.most);
    stream.credit.round_offset = position.taken;
    const bool is_whole = memory_.take_over(stream.sending, former.sending, position.given,
                                            remains.arena(), RingMemory::Use::Stream);
    stream.busy = stream.acknowledged() < stream.written();
    return is_whole;
}

bool Session::take_over_destination(StreamRecord& stream, const StreamRecord& former,
                                    const SessionRemains& remains) {
    const auto* destination = remains.arena().find<StoredDestination>(former.destination);
    if (former.destination == 0 || destination == nullptr) return false;
    const auto block = arena_.allocate(sizeof(StoredDestination));
    if (!block) return false;
    new (arena_.view(*block, sizeof(StoredDestination)).data()) StoredDestination{*destination};
    stream.destination = *block;
    events_.push_back(StreamOpened{stream.id, destination_of(*destination)});
    return true;
}

void Session::say_again(StreamRecord& stream) {
    if (!stream.resetting) {
        const bool ours = (stream.id.value % 2 == 0) == (side_ == Side::Relay);
        stream.owes_connected = stream.connected && !ours;
        stream.owes_finish = stream.finished;
        settle_finish(stream);
    }
    if (!stream.draining) owe_message(stream);
}

}  // namespace relay
