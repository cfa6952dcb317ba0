// What an end of a stream does with the stream's first bytes before there is a socket.
#pragma once

#include "common/sealing/seal_handshake.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

// All that has come and was not taken, as far as it lies in one piece: what a stream begins with
// does, being shorter than the smallest ring.
inline Bytes stream_head(const Session& session, StreamId stream) {
    return session.read_data(stream)[0];
}

// Whether nothing comes behind that.
inline bool has_come_whole(const Session& session, StreamId stream) {
    const auto info = session.info(stream);
    return info && info->received_all;
}

// All of it or nothing: then it is to be tried again when the stream is writable.
inline bool write_to_stream(Session& session, StreamId stream, Bytes bytes) {
    const auto room = session.write_space_of(stream, bytes.size());
    if (room[0].empty()) return false;
    const std::size_t first = std::min(bytes.size(), room[0].size());
    std::copy_n(bytes.begin(), first, room[0].begin());
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.end(), room[1].begin());
    session.wrote(stream, bytes.size());
    return true;
}

}  // namespace relay
