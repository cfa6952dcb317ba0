// Has relayd-gate close what our forwards want closed, and knows whether it keeps the gates at all:
// a look every few seconds, and a line in the log when that has changed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/gates/claims.h"
#include "common/settings/settings.h"
#include "daemon/forwards/gates.h"
#include "daemon/io/loop.h"
#include "daemon/io/timer.h"
#include "daemon/knocks/gate_line.h"
#include "daemon/log/log.h"

namespace relay {

class GatesKept final : public Gates {
public:
    // `socket`: relayd-gate's.
    GatesKept(Loop& loop, Log& log, std::string socket);
    ~GatesKept() override;

    void apply(const Settings& settings);

    std::unique_ptr<GateHold> hold(const std::string& gate, const HostPort& listen,
                                   std::function<void()> on_change) override;
    void when_answered(std::function<void()> done) override;
    bool has(const std::string& gate) const override { return gates_.contains(gate); }
    std::string problem() const override { return said_; }

private:
    class Hold;
    using Number = std::uint64_t;
    bool has_gates() const { return !gates_.empty() || !holds_.empty(); }
    void ask();
    ClaimPlaces places_to_ask();
    void answered(const std::string& json);
    void failed(const std::string& text);
    void ended();
    std::string what_is_wrong(const ClaimedPlaces& answer) const;
    void say(const std::string& problem);

    Loop& loop_;
    Log& log_;
    std::string socket_;
    std::set<std::string> gates_;    // Of the settings.
    std::map<Number, Hold*> holds_;  // In the order of their making.
    Number last_ = 0;
    std::unique_ptr<GateLine> line_;              // While an answer is awaited,
    std::map<Number, std::size_t> asked_;         // to these; where each stands in the request.
    bool has_failed_ = false;                     // What is asked just now.
    unsigned failures_ = 0;                       // In a row.
    std::vector<std::function<void()>> waiting_;  // For the next answer.
    std::vector<std::function<void()>> waiting_for_this_;
    std::string said_;
    Deferred soon_;
    Deferred over_;
    UvTimer look_;
};

}  // namespace relay
