// What the ends of sealed streams keep in the arena, and how a process goes on with it (PROTOCOL.md
// 11): there the bytes of a stream and those of its socket are counted apart.
#include <algorithm>

#include "common/base/crash_fence.h"
#include "common/crypto/secret.h"
#include "common/session/session.h"

namespace relay {

namespace {

// More cannot have been between two stores.
constexpr std::uint64_t under_way_most = std::uint64_t{1} << 20;

}  // namespace

bool Session::keep_seal(StreamId id, const SealRecord& seal) {
    StreamRecord* stream = living(id);
    if (stream == nullptr) return false;
    const auto block = arena_.allocate(sizeof(SealRecord));
    if (!block) return false;
    new (arena_.view(*block, sizeof(SealRecord)).data()) SealRecord{seal};
    crash_fence();
    StreamRecord former = *stream;
    stream->seal = *block;
    crash_fence();
    forget_seal(former);
    return true;
}

SealRecord* Session::seal(StreamId id) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->seal == 0) return nullptr;
    const auto bytes = arena_.view(stream->seal, sizeof(SealRecord));
    return std::launder(reinterpret_cast<SealRecord*>(bytes.data()));
}

const SealRecord* Session::seal(StreamId id) const {
    return const_cast<Session*>(this)->seal(id);  // Which changes nothing.
}

void Session::forget_seal(StreamRecord& stream) {
    if (stream.seal == 0) return;
    const MutableBytes keys = arena_.view(stream.seal, sizeof(SealRecord));
    wipe(keys);
    arena_.release(stream.seal, sizeof(SealRecord));
    stream.seal = 0;
}

// Of the stream's local socket; believed only where the kernel counts none of its bytes.
SocketPosition Session::written_down(const StreamRecord& former, const SessionRemains& remains) {
    const auto* seal = former.seal != 0 ? remains.arena().find<SealRecord>(former.seal) : nullptr;
    if (seal == nullptr) return {former.written(), former.consumed()};
    return {seal->socket_given, seal->socket_taken};
}

// `position` comes as the socket's and becomes the stream's. What lies between the two counts, the
// stream's end makes good: it takes off the socket what is sealed, and does not give twice.
bool Session::take_over_seal(StreamRecord& stream, const StreamRecord& former,
                             const SessionRemains& remains, SocketPosition& position) {
    if (former.seal == 0) {
        // One that has a socket, or is done with its handshake, has keys too.
        const bool passes_on = (side_ == Side::Relay);
        return !former.sealed || passes_on || former.socket.id == 0;
    }
    const auto* found = remains.arena().find<SealRecord>(former.seal);
    if (found == nullptr || !former.sealed) return false;
    SealRecord seal = *found;
    const bool is_known_kind =
        seal.kind == AeadKind::ChaCha20Poly1305 || seal.kind == AeadKind::Aes256Gcm;
    if (seal.phase == SealRecord::Phase::Sealed) {
        if (!is_known_kind || !seal.out.makes_sense() || !seal.in.makes_sense()) return false;
        const SealedWay& out = seal.out.now();
        const SealedWay& in = seal.in.now();
        if (former.socket.id == 0) position = {out.socket, in.socket};  // Nothing has moved yet.
        if (position.given > out.socket || out.socket - position.given > under_way_most ||
            position.taken < in.socket || position.taken - in.socket > under_way_most) {
            return false;
        }
        seal.owed_out = out.socket - position.given;
        seal.owed_in = position.taken - in.socket;
        seal.socket_given = position.given;
        seal.socket_taken = position.taken;
        position.given = out.stream;
        position.taken = in.stream;
    } else if (seal.phase != SealRecord::Phase::Answering || former.socket.id != 0) {
        return false;
    }
    return keep_seal(stream.id, seal);
}

}  // namespace relay
