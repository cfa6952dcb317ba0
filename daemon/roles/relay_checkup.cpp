#include "daemon/roles/relay_checkup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "common/base/ip_address.h"

namespace relay {

namespace {

constexpr Duration name_most = std::chrono::seconds(10);

ProbeKind kind_of(const ForwardSettings& forward) {
    if (forward.probe == ProbeKind::Auto) return kind_for_port(forward.target.port);
    return forward.probe == ProbeKind::None ? ProbeKind::Tcp : forward.probe;
}

}  // namespace

RelayCheckup::RelayCheckup(const RoleContext& context, Options options, FindHome find_home,
                           LastRefusal last_refusal, OnDone on_done)
    : context_(context),
      options_(std::move(options)),
      find_home_(std::move(find_home)),
      last_refusal_(std::move(last_refusal)),
      on_done_(std::move(on_done)),
      own_key_(fingerprint_of(context.identity.public_key())),
      alive_(std::make_shared<RelayCheckup*>(this)) {
    visits_.resize(options_.ways.size());
    doors_.reserve(options_.doors.size());
    const bool has_name = !options_.public_host.empty();
    missing_ = options_.doors.size() + visits_.size() + (has_name ? 1 : 0);
    for (const Endpoint& endpoint : options_.doors) begin_door(endpoint);
    if (has_name) begin_name();
    for (std::size_t i = 0; i < visits_.size(); ++i) {
        visits_[i].way = options_.ways[i];
        begin_visit(visits_[i]);
    }
}

RelayCheckup::~RelayCheckup() {
    *alive_ = nullptr;
}

// As a home dials, but from here: who comes from outside has the firewalls to pass, too.
void RelayCheckup::begin_door(const Endpoint& endpoint) {
    RelayWalk::Options options;
    options.endpoint = endpoint;
    options.endpoint.host = dialled_address({endpoint.host, endpoint.port}).host;
    options.subject = to_text(endpoint);
    options.dial.proxy = "direct";
    options.expected = own_key_;
    options.expected_where = "our own key file";
    Door& door = doors_.emplace_back();
    door.walk =
        std::make_unique<RelayWalk>(context_.loop, context_.random, nullptr, std::move(options),
                                    [this, &door](std::vector<CheckSnapshot> checks) {
                                        door.checks = std::move(checks);
                                        one_done();
                                    });
}

// Nothing is dialled: the name is looked up as homes do, and every address is declined.
void RelayCheckup::begin_name() {
    const auto addresses = std::make_shared<std::vector<std::string>>();  // Of the two callbacks.
    name_ = std::make_unique<TargetDialer>(
        context_.loop, HostPort{options_.public_host, 443}, name_most,
        [addresses](const std::string& address) {
            addresses->push_back(address);
            return false;
        },
        [this, addresses](const auto& result) {
            Checklist checks{options_.public_host};
            const auto* failure = std::get_if<TargetDialer::Failure>(&result);
            if (addresses->empty()) {
                checks.broken("dns", failure != nullptr ? failure->text : "no address",
                              "homes are told this name (public: in the settings): set its A and "
                              "AAAA records at your DNS provider");
            } else {
                checks.ok("dns", fmt::format("homes are sent to {}", fmt::join(*addresses, ", ")));
            }
            name_checks_ = checks.take();
            one_done();
        });
}

void RelayCheckup::begin_visit(Visit& visit) {
    RelayHome* home = find_home_(visit.way.home);
    const Forward& forward = *home->forwards().at(visit.way.forward).forward;
    visit.listen = forward.settings().listen;
    visit.target = forward.settings().target;
    visit.kind = kind_of(forward.settings());
    visit.subject =
        fmt::format("{} -> {} {}", forward.listen_text(), visit.way.home, forward.target_text());
    const auto number = static_cast<std::size_t>(&visit - visits_.data());
    home->prober().probe_now(visit.way.forward,
                             [alive = alive_, number](const ProbeResult& result) {
                                 if (*alive != nullptr) (*alive)->probed(number, result);
                             });
}

void RelayCheckup::probed(std::size_t number, const ProbeResult& result) {
    Visit& visit = visits_[number];
    visit.probed = result;
    RelayHome* home = find_home_(visit.way.home);
    const auto own = home == nullptr ? decltype(home->forwards().end()){}
                                     : home->forwards().find(visit.way.forward);
    const bool is_there = home != nullptr && own != home->forwards().end();
    // A VNC server locks out who leaves too many handshakes unfinished.
    if (!is_there || !own->second.forward->is_listening() || result.verdict != Verdict::Ok ||
        visit.kind == ProbeKind::Vnc) {
        one_done();
        return;
    }
    visit.visitor =
        std::make_unique<VisitorCheck>(context_.loop, visit.listen, visit.kind, visit.subject,
                                       [this, &visit](VisitorCheck::Findings seen) {
                                           visit.seen = std::move(seen);
                                           one_done();
                                       });
}

void RelayCheckup::one_done() {
    if (--missing_ > 0) return;
    const OnDone on_done = std::move(on_done_);
    on_done(findings());
}

std::vector<CheckSnapshot> RelayCheckup::findings() {
    Checklist all{{}};
    all.append(std::move(name_checks_));
    for (Door& door : doors_) all.append(std::move(door.checks));
    for (const std::string& home : options_.homes) {
        all.append(home_findings(home));
        for (Visit& visit : visits_) {
            if (visit.way.home == home) all.append(visit_findings(visit));
        }
    }
    return all.take();
}

}  // namespace relay
