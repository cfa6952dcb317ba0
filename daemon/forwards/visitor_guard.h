// Whose visits a relay refuses for a while: who comes too often, and who comes and goes again and
// again, as those do who guess passwords of RDP and ssh. Deterministic.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/cidr.h"
#include "common/base/token_bucket.h"
#include "common/settings/settings.h"

namespace relay {

// Of "192.0.2.1:4711" and "[2001:db8::1]:443".
std::optional<IpAddress> address_in(std::string_view address_and_port);

class VisitorGuard {
public:
    // Sources that are remembered; who came longest ago goes first, refused ones last.
    static constexpr std::size_t sources_most = 4096;
    // What a connection must last to be no guess.
    static constexpr Duration brief = std::chrono::seconds{20};
    static constexpr Duration brief_window = std::chrono::minutes{10};

    enum class Answer { Admit, Refuse, RefuseFromNow };
    enum class Fault { None, TooMany, TooBrief };

    // An IPv4 address, or the /64 of an IPv6 one: that is what one host may have.
    struct Source {
        Cidr network;
        Fault fault = Fault::None;
        std::optional<TimePoint> refused_until;
        TimePoint last_came;
        std::uint64_t came = 0;     // Connections, those that were refused included.
        std::uint64_t brief = 0;    // Of them so many were short.
        std::uint64_t refused = 0;  // And so many refused.
    };

    explicit VisitorGuard(const GuardSettings& settings) : settings_(settings) {}

    // What is refused now stays so; counting begins anew.
    void set(const GuardSettings& settings);

    // One more connection comes from there.
    Answer came(const IpAddress& from, TimePoint now);
    // One that was admitted has ended. True: from now on its source is refused.
    bool ended(const IpAddress& from, Duration lasted, TimePoint now);

    // Those that came within the last hour or are refused, in order of their addresses.
    std::vector<Source> sources(TimePoint now) const;
    // False: there is no such source.
    bool release(const IpAddress& address);

private:
    struct Counted {
        Source source;
        TokenBucket comings;
        TokenBucket briefs;
    };

    bool is_exempt(const IpAddress& from) const;
    Counted& counted(const IpAddress& from, TimePoint now);
    void make_room(TimePoint now);
    void refuse(Counted& entry, Fault fault, TimePoint now) const;

    GuardSettings settings_;
    std::map<Cidr, Counted> sources_;
};

}  // namespace relay
