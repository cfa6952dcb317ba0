// The visitor's part of sealing a stream (docs/PROTOCOL.md 11): from the first message until
// records may follow. The local socket is not touched meanwhile, so that a process which is killed
// here leaves one that may come again.
#pragma once

#include <functional>

#include "common/base/random.h"
#include "common/sealing/seal_handshake.h"
#include "daemon/identity/signing.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class SealOpening {
public:
    struct Place {
        Loop& loop;
        SessionDriver& driver;
        Random& random;
        const Identity& identity;
    };
    struct Calls {
        // Whether the home with this key is the one that is meant, and may dial that target for
        // us; an error says why not.
        std::function<Status(const PublicKey& home, const std::string& target)> approve;
        // The stream's keys are kept: bytes may flow. Outside of everything.
        std::function<void()> sealed;
        // Why it cannot be: the stream is to be reset. Outside of everything.
        std::function<void(const Error& why)> failed;
    };

    // `asked` is HOME:PORT. What `place` refers to outlives it.
    SealOpening(const Place& place, const std::string& asked, Calls calls);

    void start(StreamId stream);
    // As StreamEnd's.
    void readable();
    void writable() { write_out(); }
    void finished();

private:
    void heed(Bytes all);
    void signed_by_us(const Result<Signature>& signature);
    void write_out();
    void finish();
    void fail(Error why);

    Place place_;
    Calls calls_;
    VisitorSeal handshake_;
    StreamId stream_{};
    ByteVector output_;  // That the stream has not taken yet.
    std::optional<SealKeys> keys_;
    std::optional<Error> failure_;
    bool approved_ = false;
    WorkTicket signing_;
    Deferred ending_;
};

// Of the machine that this is.
AesSpeed aes_speed();

}  // namespace relay
