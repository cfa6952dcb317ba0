// What the kernel's packet filter tells by itself: knocks that were right (NFLOG), and that
// somebody has changed its rules.
#pragma once

#include <functional>
#include <memory>

#include "common/base/ip_address.h"
#include "common/gates/ruleset.h"
#include "daemon/io/poll.h"

namespace relay {

struct Knock {
    KnockNote note;
    IpAddress from;
};

// Needs CAP_NET_ADMIN when it is opened.
class KnockNotes {
public:
    static Result<std::unique_ptr<KnockNotes>> open(Loop& loop,
                                                    std::function<void(const Knock&)> on_knock);

private:
    KnockNotes(Loop& loop, UniqueFd socket, std::function<void(const Knock&)> on_knock);
    void read_some();

    std::function<void(const Knock&)> on_knock_;
    Poll poll_;
};

class RuleChanges {
public:
    // `on_change`: somebody, maybe we, has changed rules of this host.
    static Result<std::unique_ptr<RuleChanges>> open(Loop& loop, std::function<void()> on_change);

private:
    RuleChanges(Loop& loop, UniqueFd socket, std::function<void()> on_change);
    void read_some();

    std::function<void()> on_change_;
    Poll poll_;
};

}  // namespace relay
