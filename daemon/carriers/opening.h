// Brings a connected socket to where frames can flow.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "common/protocols/http_head.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/tunnel.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/timer.h"
#include "daemon/io/tls_channel.h"

namespace relay {

// One TLS handshake, in either role, and then, for a client of wss or ws, one WebSocket upgrade.
//
//     Securing --TLS done--> Upgrading --101--> done
class Opening {
public:
    struct Plan {
        CarrierKind kind = CarrierKind::Tls;
        std::string road = {};                    // As in CarrierInfo.
        std::unique_ptr<TlsChannel> tls;          // None on ws.
        std::optional<std::string> upgrade_host;  // For wss and ws: whose Host field says what,
        std::string upgrade_path = "/";           // and the path of the upgrade,
        std::vector<std::string> upgrade_fields;  // and more of its fields: "Name: value".
        std::string required_alpn;                // Empty: any or none.
        bool may_be_unbound = false;              // What CarrierInfo says.
        Duration deadline = std::chrono::seconds{10};
    };
    // Called once, never from within the constructor; may destroy the Opening.
    using OnDone = std::function<void(Result<std::unique_ptr<Carrier>>)>;

    // The tunnel is connected, or still connecting. Destroying the Opening closes it and calls
    // nobody.
    Opening(Loop& loop, Random& random, Tunnel tunnel, Plan plan, OnDone on_done);
    ~Opening();
    Opening(const Opening&) = delete;
    Opening& operator=(const Opening&) = delete;

    // Past TLS, or there is none.
    bool is_secured() const { return step_ != Step::Securing; }

private:
    enum class Step { Securing, Upgrading, Done };

    void ready(PollEvents events);
    Status receive();
    Status take(Bytes wire);
    Status secure(TlsWire& wire);
    Status secured(TlsWire& wire);
    Status take_plain(Bytes plain);
    Status decrypt(TlsWire& wire);
    Status send_request(MutableBytes& out);
    void send_soon(Bytes wire);
    Status send_unsent();
    void finish(Status status);
    std::unique_ptr<Carrier> make_carrier();

    Loop& loop_;
    Random& random_;
    Plan plan_;
    std::unique_ptr<Underlay> underlay_;
    std::string peer_address_;
    OnDone on_done_;
    Step step_ = Step::Securing;
    bool finishing_ = false;
    HttpHeadReader head_;
    std::string websocket_key_;
    ByteVector early_;
    ByteVector unsent_;
    std::unique_ptr<Poll> poll_;
    UvTimer deadline_;
    Deferred completion_;
    Status outcome_ = Done{};
};

}  // namespace relay
