// The ways that a home, or a visitor, keeps to its relay at once: an uplink for each slot
// (docs/PROTOCOL.md 3), each with an endpoint of its own as long as there are enough of them.
//
// While there is no session, the first dials alone: two that know no session to go on with would
// each be given a new one, and end the other's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/roles/uplink.h"
#include "daemon/sessions/session_driver.h"

namespace relay {

class Uplinks {
public:
    Uplinks(const RoleContext& context, const DialSettings& settings, const Uplink::Owner& owner);

    // There is no session, and a new one is wanted: at once, or not so soon. As in Uplink.
    void begin();
    void begin_later(const std::string& why);
    void begin_much_later(const std::string& why, std::string_view message_id);
    // A carrier has come or gone: those that have none dial.
    void follow(SessionDriver& driver);
    // Whoever waits for its next attempt makes it now.
    void hurry();
    void stop();
    // Used from the next attempt on.
    void set(const DialSettings& settings);

    std::size_t count() const { return uplinks_.size(); }
    std::vector<std::string> problems() const;

private:
    bool is_taken(std::uint8_t by_other_than, const Endpoint& endpoint) const;
    void rest();

    std::vector<std::unique_ptr<Uplink>> uplinks_;
};

}  // namespace relay
