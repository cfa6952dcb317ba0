// Whether a signed knock opens anything: by whom, now, for the first time. Reads no clock, and
// keeps what must be known after a restart as text.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/cidr.h"
#include "common/base/token_bucket.h"
#include "common/gates/signed_knock.h"
#include "common/settings/settings.h"

namespace relay {

// What one key may open, and from where; empty: from anywhere.
struct KnockRight {
    PublicKey key;
    std::string name;  // For the log.
    std::vector<Cidr> from;
    std::vector<std::string> gates;
};

// All keys of the gates, and of the visitors and homes that they name: those of the settings, and
// those that came at run time.
std::vector<KnockRight> knock_rights(const Settings& settings,
                                     const std::vector<KnownPeer>& peers = {});

class KnockJudge {
public:
    // A clock may be wrong by so much.
    static constexpr std::uint64_t window_ms = 60'000;
    static constexpr std::size_t max_remembered = 4096;
    static constexpr double checks_per_second = 100;
    static constexpr double checks_at_once = 200;

    explicit KnockJudge(TimePoint now) : checks_(checks_at_once, checks_per_second, now) {}

    void set_rights(std::vector<KnockRight> rights);

    struct Moment {
        std::uint64_t unix_ms = 0;
        TimePoint now;
    };
    struct Opening {
        std::string who;
        std::vector<std::string> gates;  // At least one.
    };
    // Unauthentic, for what a known key seems to have sent and has not; Malformed, for anything
    // that is nobody's; Refused, if it was right and is not now, or not from there. What is
    // accepted is known from then on.
    Result<Opening> judge(Bytes packet, const IpAddress& from, Moment at);

    // A line for each knock that could still be repeated.
    std::string remembered() const;
    void remember(std::string_view text, std::uint64_t unix_ms);

private:
    void forget_old(std::uint64_t unix_ms);

    TokenBucket checks_;
    std::map<KeyId, KnockRight> rights_;
    std::map<KnockNonce, std::uint64_t> seen_;  // When each was signed.
};

}  // namespace relay
