// The home's part of sealing a stream (docs/PROTOCOL.md 11): the end of a stream that was opened as
// a sealed one, until the visitor has proved its key. Nothing is taken off the stream before: so a
// process that goes on after a kill hears all of it again, and gives the same answer.
#pragma once

#include <functional>

#include "common/base/random.h"
#include "common/sealing/seal_handshake.h"
#include "daemon/identity/signing.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class SealAnswer final : public StreamEnd {
public:
    struct Place {
        Loop& loop;
        SessionDriver& driver;
        Random& random;
        const Identity& identity;
    };
    struct Calls {
        // Whether a visitor with this key, who asks for that, may have the stream; an error says
        // why not.
        std::function<Status(const PublicKey& visitor, const std::string& asked)> approve;
        // The stream's keys are kept: the target may be dialled. Outside of everything.
        std::function<void()> sealed;
        // Why it cannot be: the stream is to be reset. Outside of everything.
        std::function<void(const Error& why)> failed;
    };

    // `target` is HOST:PORT. What `place` refers to outlives it.
    SealAnswer(const Place& place, StreamId stream, const std::string& target, Calls calls);

    void readable() override;
    void writable() override { write_out(); }
    void finished() override;
    void closed() override {}
    void reset(ResetReason) override { over_ = true; }

private:
    void heed(const HomeSeal::Step& step);
    void signed_by_us(const Result<Signature>& signature);
    void write_out();
    void finish();
    void fail(Error why);

    Place place_;
    Calls calls_;
    StreamId stream_;
    HomeSeal handshake_;
    ByteVector output_;  // That the stream has not taken yet.
    std::optional<SealKeys> keys_;
    std::optional<Error> failure_;
    bool over_ = false;
    bool is_signing_ = false;
    WorkTicket signing_;
    Deferred ending_;
};

}  // namespace relay
