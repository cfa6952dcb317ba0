// All that a home can try by itself: the way to each of its relays, and each target that it allows
// or asks for a forward to.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/settings/settings.h"
#include "daemon/checks/direct_probe.h"
#include "daemon/checks/relay_walk.h"
#include "daemon/checks/target_findings.h"

namespace relay {

// What an operator means by PORT or HOST:PORT at a home.
struct TargetChoice {
    std::string host;  // Empty: any.
    std::uint16_t port = 0;
};
Result<std::optional<TargetChoice>> parse_target_choice(const std::string& text);

class HomeCheckup {
public:
    static constexpr std::size_t targets_most = 64;

    struct Options {
        HomeSettings settings;
        std::string state_dir;
        std::vector<AllowRule> allow;  // Those added at run time as well.
        std::optional<TargetChoice> only;
        std::string key_trouble;  // Why there is no identity.
    };
    struct Findings {
        std::vector<CheckSnapshot> way;      // dns to key, for each relay.
        std::vector<CheckSnapshot> targets;  // allow, target and protocol.
    };
    // Once, never from within the constructor; may destroy the checkup.
    using OnDone = std::function<void(Findings)>;

    // `loop`, `random` and `identity` outlive it. Without an identity nothing is proved.
    HomeCheckup(Loop& loop, Random& random, const Identity* identity, Options options,
                OnDone on_done);

private:
    struct Walk {
        std::unique_ptr<RelayWalk> walk;
        std::vector<CheckSnapshot> checks;
    };
    struct Target {
        TargetSeen seen;
        std::unique_ptr<DirectProbe> probe;
    };

    void begin_walk(const DialSettings& settings, const Endpoint& endpoint);
    void choose_targets();
    void add_target(const HostPort& target, ProbeKind kind);
    bool is_meant(const HostPort& target) const;
    std::vector<CheckSnapshot> allow_findings() const;
    void begin_probe(Target& target);
    void one_done();
    Findings findings();

    Loop& loop_;
    Random& random_;
    const Identity* identity_;
    Options options_;
    OnDone on_done_;
    std::vector<Walk> walks_;
    std::vector<Target> targets_;
    std::size_t missing_ = 0;
};

}  // namespace relay
