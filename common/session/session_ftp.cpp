// What the ends of FTP control connections keep in the arena, and how a process goes on with it
// (docs/FTP.md): there the bytes of a stream and those of its socket are counted apart.
#include "common/base/crash_fence.h"
#include "common/session/session.h"

namespace relay {

FtpRecord* Session::keep_ftp(StreamId id) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->ftp != 0) return nullptr;
    const auto block = arena_.allocate(sizeof(FtpRecord));
    if (!block) return nullptr;
    new (arena_.view(*block, sizeof(FtpRecord)).data()) FtpRecord{};
    crash_fence();
    stream->ftp = *block;
    crash_fence();
    return ftp(id);
}

FtpRecord* Session::ftp(StreamId id) {
    StreamRecord* stream = living(id);
    if (stream == nullptr || stream->ftp == 0) return nullptr;
    const auto bytes = arena_.view(stream->ftp, sizeof(FtpRecord));
    return std::launder(reinterpret_cast<FtpRecord*>(bytes.data()));
}

void Session::forget_ftp(StreamRecord& stream) {
    if (stream.ftp != 0) arena_.release(stream.ftp, sizeof(FtpRecord));
    stream.ftp = 0;
}

// `position` comes as the socket's and becomes the stream's. What lies between the two counts, the
// stream's end makes good: it takes off the socket what is read along, and goes on in the middle of
// a line of its own.
bool Session::take_over_ftp(StreamRecord& stream, const StreamRecord& former,
                            const SessionRemains& remains, SocketPosition& position) {
    if (former.ftp == 0) return true;
    // Its socket would be counted by two records, one on top of the other.
    if (former.sealed) return false;
    const auto* found = remains.arena().find<FtpRecord>(former.ftp);
    if (found == nullptr) return false;
    FtpRecord record = *found;
    if (!record.go_on(position.given, position.taken)) return false;
    FtpRecord* kept = keep_ftp(stream.id);
    if (kept == nullptr) return false;
    *kept = record;
    return true;
}

}  // namespace relay
