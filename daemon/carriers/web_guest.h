// One connection to a port that a web site shares with the relay: its first request says whose it
// is. A carrier goes on as such; a tunnel through GET and POST goes to whoever serves these; all
// else to the site's web server, by a connection of its own.
//
//     Asking --upgrade to relayd.v1--> a carrier
//        |---poll--> Passing, to the server of tunnels
//        |---else--> Connecting --> Passing, request by request --> Leaving --> over
//        \---wrong--> Leaving
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/protocols/site_requests.h"
#include "common/settings/settings.h"
#include "daemon/carriers/carrier.h"
#include "daemon/carriers/door.h"
#include "daemon/carriers/socket_carrier.h"
#include "daemon/carriers/web_stream.h"
#include "daemon/io/timer.h"

namespace relay {

class WebGuest {
public:
    struct Plan {
        UniqueFd fd;
        std::unique_ptr<TlsChannel> tls;  // None on ws.
        Whence whence;
        std::string path;  // Of the endpoint: what is below it is the relay's.
        FallbackSettings fallback;
        std::vector<Cidr> trusted_proxies;
        Admission admission;
    };
    // All called from deferred tasks, but for `polls` and `place`.
    struct House {
        // Whether a request for this path is one of a tunnel's.
        std::function<bool(std::string_view path)> polls;
        // A place for a connection to the site, or nothing.
        std::function<std::shared_ptr<void>(const std::string& address)> place;
        // The other end of a tunnel's connection, in plain text.
        std::function<void(UniqueFd, const Whence&, const Admission&)> on_poll;
        std::function<void(OpenedSocket, Admission)> on_carrier;
        // Once, at the end; `why` it was turned away, or null. Destroys the guest.
        std::function<void(const char* why)> on_over;
    };

    WebGuest(Loop& loop, Plan plan, House house);
    WebGuest(const WebGuest&) = delete;
    WebGuest& operator=(const WebGuest&) = delete;

    // Its TLS still needs the context it was made from.
    bool is_securing() const { return state_ == State::Asking && !client_.is_secured(); }

private:
    enum class State { Asking, Connecting, Passing, Leaving, Upgraded, Over };

    void client_ready();
    void ask();
    void route(const HttpRequestHead& head, std::size_t size);
    bool is_of_relay(const HttpRequestHead& head) const;
    void upgrade(const HttpRequestHead& head, std::size_t size);
    void pass_to_poll();
    void pass_to_site();
    void connect();
    void server_ready();
    void connected();
    void pass();
    bool pass_inward();
    bool hand_on();
    void send_on();
    bool pass_outward();
    void wait();
    void answer(const char* status, const char* text);
    void leave();
    void late();
    void over(const char* why);

    Loop& loop_;
    Plan plan_;
    House house_;
    const bool is_secure_;
    State state_ = State::Asking;
    const char* why_ = nullptr;
    std::shared_ptr<void> place_;
    std::optional<SiteRequests> requests_;  // None towards the server of tunnels.
    ByteVector to_server_;
    bool has_shut_ = false;  // The server has been told that no more comes.
    bool has_shut_client_ = false;
    bool has_answer_ = false;
    bool is_slow_ = false;  // In the middle of a head.
    WebStream client_;
    std::unique_ptr<Poll> server_;
    UvTimer patience_;
    Deferred completion_;
};

}  // namespace relay
