// Where connections wait until they may begin their handshakes. TLS costs memory and time, so
// nobody gets any of it before he has spoken, nor many at once, nor many in one turn of the loop:
// sessions in progress hardly notice a crowd of strangers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/endpoint.h"
#include "common/base/token_bucket.h"
#include "daemon/carriers/introduction.h"
#include "daemon/carriers/turnstile.h"
#include "daemon/io/loop.h"
#include "daemon/io/poll.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/io/timer.h"

namespace relay {

// Openings and handshakes under way, on all endpoints together.
constexpr std::size_t max_unfinished_handshakes = 256;
// Connections that wait for theirs; fewer where descriptors are scarce.
constexpr std::size_t max_waiting_connections = 8192;
// Handshakes begun at once, and how fast others may follow: what they cost stays a fraction of the
// processor's time.
constexpr double handshakes_at_once = 32;
constexpr double handshakes_per_second = 500;

// A place inside, held from the beginning of a handshake until a key is proved or all is over.
class Admission {
public:
    Admission() = default;
    Admission(std::shared_ptr<void> place, TimePoint deadline)
        : place_(std::move(place)), deadline_(deadline) {}
    // By when the key must be proved: the time runs from when the connection was accepted.
    TimePoint deadline() const { return deadline_; }
    // Ends when the place does.
    std::weak_ptr<void> watch() const { return place_; }

private:
    std::shared_ptr<void> place_;  // Whose end makes room for another.
    TimePoint deadline_ = TimePoint::max();
};

// Who comes in.
struct Entrant {
    CarrierKind kind;
    std::string path;  // Of the endpoint.
    UniqueFd fd;
    Whence whence;
};

class Door {
public:
    struct Options {
        Duration deadline;  // From accepting to the proof of a key.
        std::function<void(Entrant, Admission)> on_admitted;
        // One who never came in, and why; not for those who went by themselves.
        std::function<void(const std::string& address, const char* why)> on_turned_away;
    };

    // `on_admitted` and `on_turned_away` may not destroy the door.
    Door(Loop& loop, Options options);
    ~Door();
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;

    void arrived(CarrierKind kind, const std::string& path, Accepted connection);
    // A place for what came over a connection that is inside already, or was; nothing if there is
    // none now.
    std::optional<Admission> enter(const std::string& address);
    // For those that wait, too; not for those inside.
    void set_deadline(Duration deadline) { options_.deadline = deadline; }
    // Whose word counts about who is behind them, of connections that come from now on.
    void set_trusted_proxies(std::vector<Cidr> proxies) { trusted_proxies_ = std::move(proxies); }

    std::size_t outside() const { return turnstile_.outside(); }
    std::size_t inside() const { return turnstile_.inside(); }

private:
    struct Guest {
        CarrierKind kind;
        std::string path;
        Whence whence;
        TimePoint arrived;
        std::unique_ptr<Introduction> introduction;  // While a trusted proxy may have one.
        std::unique_ptr<Poll> poll;
    };

    void ready(GuestId id);
    bool is_introduced(GuestId id, Guest& guest);
    void send_away(GuestId id, const char* why);
    void forget(GuestId id);
    void admit_one();
    Admission admission_of(const std::string& address, TimePoint since);
    void someone_left(const IpAddress& source);
    void send_away_the_late();

    Loop& loop_;
    Options options_;
    std::vector<Cidr> trusted_proxies_;
    Turnstile turnstile_;
    std::map<GuestId, Guest> guests_;  // In the order in which they came.
    TokenBucket begun_;
    Deferred admission_;
    UvTimer pace_;
    UvTimer lateness_;
    std::shared_ptr<Door*> self_;  // Null once we are gone; places may outlive us.
};

}  // namespace relay
