// Either end of a ws carrier, blocking, which sends what it is told and breaks any rule.
#pragma once

#include <chrono>
#include <string>

#include "common/base/bytes.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/secure_random.h"
#include "common/protocols/websocket.h"
#include "common/session/handshake.h"
#include "common/wire/frame.h"
#include "daemon/io/unique_fd.h"

namespace relay::hostile {

class Connection {
public:
    // As a home, to 127.0.0.1.
    explicit Connection(std::uint16_t port);
    // As a relay, over a connection that it has accepted.
    explicit Connection(UniqueFd accepted);

    // False: the relay has closed.
    bool send(Bytes bytes);
    // Adds what arrives within `patience` to the inbox. False: the relay has closed.
    bool gather(std::chrono::milliseconds patience);
    ByteVector& inbox() { return inbox_; }
    bool is_open() const { return open_; }
    int fd() const { return fd_.get(); }

private:
    void upgrade();
    void answer_upgrade();
    std::string read_head();

    SecureRandom random_;
    UniqueFd fd_;
    bool open_ = true;
    ByteVector raw_;
    ByteVector inbox_;
    WebSocketRole role_;
    WebSocketReader reader_{role_};
};

// An honest handshake. Exits with a message when the relay does not welcome.
Welcome introduce(Connection& connection, const PrivateKey& key, const SessionId& resume = {},
                  std::uint8_t slot = 0);

// The relay's side of it, for any home or visitor.
void introduce_as_relay(Connection& connection, const PrivateKey& key,
                        std::uint16_t version_max = wire::version_max);

// On 127.0.0.1; empty: the port is taken.
UniqueFd listen_on(std::uint16_t port);

// The frame of one type and payload.
ByteVector frame(wire::FrameType type, Bytes payload);

}  // namespace relay::hostile
