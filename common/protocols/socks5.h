// The server's side of SOCKS5 (RFC 1928) as far as a visitor speaks it: no password, CONNECT alone,
// and hosts by name. Sans-IO.
//
//     Greeting --methods--> Request --host and port--> Asked
//     anything else: Failed, after its output
#pragma once

#include <optional>

#include "common/base/bytes.h"
#include "common/base/host_port.h"

namespace relay {

// RFC 1928 section 6.
enum class Socks5Reply : std::uint8_t {
    Succeeded = 0,
    Failure = 1,
    NotAllowed = 2,
    HostUnreachable = 4,
    Refused = 5,
    CommandUnknown = 7,
    AddressKindUnknown = 8,
};

// What ends the conversation, or lets the bytes flow.
ByteVector socks5_reply(Socks5Reply reply);

class Socks5Server {
public:
    // How many bytes more are part of what is being said, at most 255: those after them may belong
    // to somebody else, and are left where they are. 0: nothing more is wanted.
    std::size_t wanted() const;
    // At most wanted() of them.
    void receive(Bytes input);
    // To be sent before anything more is received; empty: nothing.
    ByteVector take_output();

    bool has_failed() const { return state_ == State::Failed; }
    // What is to be connected to, once it is known; the answer is socks5_reply(). The host is any
    // text without zero bytes.
    const std::optional<HostPort>& asked() const { return asked_; }

private:
    enum class State { Greeting, Request, Asked, Failed };

    std::size_t length() const;  // Of the message, as far as its beginning tells.
    void heed();
    void fail(Socks5Reply reply);

    State state_ = State::Greeting;
    ByteVector message_;
    ByteVector output_;
    std::optional<HostPort> asked_;
};

}  // namespace relay
