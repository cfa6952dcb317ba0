// Who of those that wait at the door comes in next, and who has to go when too many wait. Each
// source, an IPv4 address or an IPv6 /64, has its turn: so whoever sends ten thousand connections
// waits for himself, and a home elsewhere walks past. Knows no sockets.
//
//     arrived --> silent --spoke--> waiting --next--> inside --left-->
//                    \------------------+--gone-->
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "common/base/ip_address.h"
#include "common/base/strong_id.h"

namespace relay {

// Numbered as they come, never used twice.
using GuestId = StrongId<struct GuestTag, std::uint64_t>;

// Of "192.0.2.1:4711" or "[2001:db8::1]:443"; what has no address is one source, all zero.
IpAddress source_of(std::string_view peer_address);

class Turnstile {
public:
    struct Limits {
        std::size_t inside_most;   // Of these a source takes as many as it leaves to others.
        std::size_t outside_most;  // Silent or waiting.
    };
    explicit Turnstile(const Limits& limits) : limits_(limits) {}

    GuestId arrived(const IpAddress& source);
    // A silent one has another source than he seemed to have.
    void is_of(GuestId guest, const IpAddress& source);
    void spoke(GuestId guest);
    // Silent or waiting, and no longer there.
    void gone(GuestId guest);
    // The next one that may come in, and is inside from now on.
    std::optional<GuestId> next();
    // One who came another way, has spoken and cannot wait: inside, or false.
    bool enter_at_once(const IpAddress& source);
    // One from this source is no longer inside.
    void left(const IpAddress& source);

    bool is_crowded() const { return guests_.size() > limits_.outside_most; }
    // Whoever has to go when there are too many outside: of the source with the most, who has been
    // silent longest, or else who came last. The caller says gone().
    std::optional<GuestId> least_welcome() const;

    bool anyone_may_enter() const;
    std::size_t outside() const { return guests_.size(); }
    std::size_t inside() const { return inside_; }

private:
    struct Source {
        std::set<GuestId> silent;
        std::deque<GuestId> waiting;  // In the order in which they spoke.
        std::size_t inside = 0;
        bool has_turn = false;  // Stands in turns_.
        std::size_t outside() const { return silent.size() + waiting.size(); }
    };

    bool may_enter(const Source& source) const;
    void weigh(const IpAddress& address, const Source& source, std::size_t before);
    void forget_if_empty(const IpAddress& address);

    const Limits limits_;
    std::map<IpAddress, Source> sources_;
    std::map<GuestId, IpAddress> guests_;
    std::set<std::pair<std::size_t, IpAddress>> by_weight_;  // Sources by how many are outside.
    std::deque<IpAddress> turns_;
    std::size_t inside_ = 0;
    std::uint64_t last_ = 0;
};

}  // namespace relay
