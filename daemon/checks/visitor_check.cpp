#include "daemon/checks/visitor_check.h"

#include <fmt/format.h>

namespace relay {

namespace {

// From a visitor's first byte to the target's answer, the home's connect-timeout included.
constexpr Duration connect_most = std::chrono::seconds(10);

std::string trouble_of(const DirectProbe::Outcome& outcome) {
    if (outcome.failure) return outcome.failure->text;
    return fmt::format("{}{}{}", verdict_name(outcome.verdict), outcome.detail.empty() ? "" : ", ",
                       outcome.detail);
}

}  // namespace

HostPort dialled_address(const HostPort& listen) {
    if (listen.host == "0.0.0.0") return {"127.0.0.1", listen.port};
    if (listen.host == "::") return {"::1", listen.port};
    return listen;
}

VisitorCheck::VisitorCheck(Loop& loop, const HostPort& listen, ProbeKind kind, std::string subject,
                           OnDone on_done)
    : loop_(loop),
      address_(dialled_address(listen)),
      kind_(kind),
      on_done_(std::move(on_done)),
      listener_(subject),
      protocol_(std::move(subject)) {
    first_ = std::make_unique<DirectProbe>(
        loop_,
        DirectProbe::Options{.target = address_, .kind = kind_, .connect_timeout = connect_most},
        [this](const DirectProbe::Outcome& outcome) { first_done(outcome); });
}

void VisitorCheck::first_done(const DirectProbe::Outcome& outcome) {
    if (outcome.failure || outcome.verdict != Verdict::Ok) {
        listener_.broken(
            "listener",
            fmt::format("the target serves, and a visitor at {} gets: {}", to_text(address_),
                        trouble_of(outcome)),
            "does a firewall of this machine stand between (nft list ruleset), or another program "
            "on that address? relayctl stale");
        return finish();
    }
    listener_.ok("listener", fmt::format("a visitor at {} is served", to_text(address_)),
                 outcome.connect + outcome.answer.value_or(Duration{}));
    if (kind_ != ProbeKind::Rdp) return finish();
    second_ = std::make_unique<DirectProbe>(
        loop_,
        DirectProbe::Options{.target = address_,
                             .kind = kind_,
                             .rdp = RdpSecurity::WithoutNla,
                             .connect_timeout = connect_most},
        [this](const DirectProbe::Outcome& second) { second_done(second); });
}

void VisitorCheck::second_done(const DirectProbe::Outcome& outcome) {
    if (outcome.failure || outcome.verdict != Verdict::Ok) {
        protocol_.broken("protocol",
                         "no second connection beside the first, which RDP clients need to log "
                         "in: " +
                             trouble_of(outcome),
                         "is another forwarder between home and target, that serves one "
                         "connection at a time? Point the forward at the RDP server itself");
        return finish();
    }
    const bool is_refused = outcome.detail.find("HYBRID_REQUIRED") != outcome.detail.npos;
    protocol_.ok("protocol",
                 fmt::format("a second connection answers too; NLA is {} (without it: {})",
                             is_refused ? "required" : "not required", outcome.detail),
                 outcome.answer);
    finish();
}

void VisitorCheck::finish() {
    const OnDone on_done = std::move(on_done_);
    on_done({listener_.take(), protocol_.take()});
}

}  // namespace relay
