// Moves bytes between a local socket and a stream that is sealed end to end: what the socket says
// is sealed before it enters the stream, what the stream brings is opened for the socket.
//
// Whenever this process is killed, another one goes on: bytes are sealed while they still lie in
// the socket, and are taken off it once the stream has them; and what the socket has given and been
// given is counted by the kernel, or written down by it under a mark (docs/CONTINUITY.md).
#pragma once

#include <sys/types.h>

#include "common/sealing/record_opener.h"
#include "common/sealing/record_sealer.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class SealedPassage {
public:
    // `seal` is the stream's, and lives as long as it. `marked_as`: the id of a socket whose bytes
    // are to be moved under a mark; 0: they are not.
    SealedPassage(SessionDriver& driver, StreamId stream, SealRecord& seal, int fd,
                  std::uint64_t marked_as);

    enum class Outcome {
        Fine,
        NoRoom,   // The stream takes nothing for now.
        Blocked,  // The socket takes nothing for now,
        Deaf,     // or never again; but what it said before is yet to be read.
        Ended,    // The socket has said its last byte.
        Broken,   // The socket is,
        Changed,  // or what came by the stream is not what was sealed.
    };
    struct Moved {
        Outcome outcome = Outcome::Fine;
        std::size_t count = 0;  // Bytes of the socket.
    };
    // At most `most` bytes.
    Moved read(int fd, std::size_t most);
    Moved write(int fd, std::size_t most);
    // Whether the peer itself has said that nothing more comes.
    bool has_ended() const { return opener_.ended(); }

private:
    bool take_off(int fd, std::uint64_t count);
    ssize_t take_off_once(int fd, MutableBytes room);
    ssize_t give(int fd, Bytes text);
    Moved end_of_socket();
    bool is_cut_short(const std::array<Bytes, 2>& held) const;

    SessionDriver& driver_;
    StreamId stream_;
    SealRecord& seal_;
    RecordSealer sealer_;
    RecordOpener opener_;
    const bool is_unix_;
    const std::uint64_t marked_as_;
    bool was_reset_ = false;  // Its end is none in good order.
};

}  // namespace relay
