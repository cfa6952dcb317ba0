// Descriptors that outlive this process: a copy of each lies in flight in a socketpair, of which
// somebody else, the service manager, holds both ends too. Whatever happens to this process, the
// next one finds them there, and their connections never noticed.
//
// A message takes up to 253 descriptors, and a socketpair only some hundred messages. So the pair
// is used one direction at a time, and now and then all that still lives is written into the other
// direction, before the first is emptied: at no moment is a descriptor in none of the two.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "daemon/io/passed_listeners.h"
#include "daemon/io/unique_fd.h"

namespace relay {

class Parking {
public:
    using Ends = std::array<UniqueFd, 2>;

    // Keeps nothing: what is parked ends with the process.
    Parking() = default;
    // Goes on with what lies in `ends` already. `on_trouble` hears what could not be kept, and why:
    // once for all that cannot be parked until something can again.
    Parking(Ends ends, std::function<void(const std::string& why)> on_trouble);
    Parking(const Parking&) = delete;
    Parking& operator=(const Parking&) = delete;

    static Result<Ends> make_ends();

    bool is_active() const { return static_cast<bool>(ends_[0]); }

    // The copy holds the connection open until unpark(): who ends it must do so by shutdown() or
    // abort_connection(), and unpark() it before it closes it.
    void park(int fd);
    // Nothing happens to what is not parked. At once: the copy is gone when this returns.
    enum class When { Soon, AtOnce };
    void unpark(int fd, When when = When::Soon);

    // What a former process has left, until somebody claims it. It stays parked.
    struct Found {
        std::uint64_t id;  // SO_COOKIE.
        int fd;
    };
    std::vector<Found> found() const;
    std::optional<int> find(std::uint64_t id) const;
    UniqueFd claim(std::uint64_t id);
    // The one that listens on this address: see address_text().
    UniqueFd claim_listener(const std::string& address);
    bool has_listener(const std::string& address) const;

    // What outlives the process without being parked. Empty, unless somebody adds to it.
    PassedListeners& passed() { return passed_; }

private:
    std::size_t find_what_lies_in(std::size_t queue);
    bool send_all(std::size_t queue);
    bool send(std::size_t queue, const int* fds, std::size_t count);
    void empty(std::size_t queue);
    bool compact();
    void trouble(int error_number);

    // Queue i is read from end i, and written to the other one.
    Ends ends_;
    std::function<void(const std::string& why)> on_trouble_;
    std::size_t queue_ = 0;  // In use.
    bool other_is_empty_ = true;
    std::size_t messages_ = 0;
    std::size_t gone_ = 0;  // Parked copies of what has ended.
    std::set<int> parked_;
    std::map<std::uint64_t, UniqueFd> found_;
    bool in_trouble_ = false;
    PassedListeners passed_;
};

// How the kernel names a socket for as long as it runs; 0: it is none.
std::uint64_t socket_id(int fd);

}  // namespace relay
