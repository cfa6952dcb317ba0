// When the forwards of one home are probed, and what follows from it: every interval, at once after
// the home came or a forward was added, a few at a time; after some failures in a row the session's
// carriers are renewed, since a tunnel may hang in ways that no ping shows. Intervals vary by a
// quarter, or a thousand homes that came at once would be probed at once for ever.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "common/base/forward_id.h"
#include "common/base/host_port.h"
#include "common/base/random.h"
#include "common/settings/settings.h"
#include "daemon/probes/probe_run.h"
#include "daemon/probes/renewal_policy.h"

namespace relay {

class ProberUser {
public:
    virtual ~ProberUser() = default;
    // Null: no session through which data may flow.
    virtual SessionDriver* session_for_probe() = 0;
    virtual void probed(ForwardId forward, const ProbeResult& result) = 0;
    // The forward has failed so many times in a row. Streams survive the renewal.
    virtual void carriers_need_renewal(ForwardId forward, unsigned failures) = 0;
};

class Prober {
public:
    struct Options {
        Duration interval = std::chrono::seconds(30);  // 0: only when asked.
        unsigned failures = 3;                         // 0: carriers are never renewed.
    };
    static constexpr std::size_t at_once_most = 4;

    using OnResult = std::function<void(const ProbeResult&)>;

    // `user` and `random` outlive it.
    Prober(Loop& loop, ProberUser& user, Random& random, Options options);

    // The kind None is never probed by itself.
    void add(ForwardId forward, const ForwardSettings& settings);
    void remove(ForwardId forward);
    void set(Options options);

    void session_came();
    // Without carriers; those of an ended session have ended their probes already.
    void session_left();

    // At once, whatever the interval; joins a probe that is under way.
    void probe_now(ForwardId forward, OnResult on_result);
    const ProbeResult* last(ForwardId forward) const;

private:
    struct Entry {
        HostPort target;
        ProbeKind kind;
        std::string listener{};  // Empty, but where the target expects a PROXY header.
        TimePoint due{};
        bool running = false;
        ProbeRun* run = nullptr;  // While it has a stream.
        std::optional<ProbeResult> last{};
        unsigned failures = 0;
        std::vector<OnResult> waiting{};
    };

    void work();
    TimePoint next_due() const;
    void begin(ForwardId forward, Entry& entry);
    void ended(ForwardId forward, const ProbeResult& result);

    Loop& loop_;
    ProberUser& user_;
    Random& random_;
    Options options_;
    std::map<ForwardId, Entry> entries_;
    std::size_t running_ = 0;
    RenewalPolicy renewal_;
    UvTimer timer_;
    Deferred again_;  // Outside of the callback in which a probe ended.
};

}  // namespace relay
