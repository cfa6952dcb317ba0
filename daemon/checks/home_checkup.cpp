#include "daemon/checks/home_checkup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "common/base/ip_address.h"
#include "daemon/identity/known_relays.h"
#include "daemon/identity/own_knock.h"

namespace relay {

namespace {

void append(std::vector<CheckSnapshot>& all, std::vector<CheckSnapshot> more) {
    std::ranges::move(more, std::back_inserter(all));
}

// The one host that a rule names; nothing, if it is a network.
std::optional<std::string> only_host(const AllowRule& rule) {
    const auto text = to_text(AllowRule{rule.where, {1, 1}});
    if (is_unix(text) && !text.ends_with("/*")) return text;
    if (text.find('/') != text.npos) return std::nullopt;
    const auto parsed = parse_host_port(text);
    if (!parsed) return std::nullopt;
    return parsed->host;
}

bool is_local(const std::string& host) {
    return host == "localhost" || is_unix(host) || host == "::1" || host.starts_with("127.");
}

}  // namespace

Result<std::optional<TargetChoice>> parse_target_choice(const std::string& text) {
    if (text.empty()) return std::optional<TargetChoice>{};
    if (text.find(':') != text.npos) {
        const auto target = parse_place(text);
        if (!target) return target.error();
        return std::optional{TargetChoice{target->host, target->ports.first}};
    }
    const auto port = parse_port(text);
    if (!port) return port.error();
    return std::optional{TargetChoice{{}, *port}};
}

HomeCheckup::HomeCheckup(Loop& loop, Random& random, const Identity* identity, Options options,
                         OnDone on_done)
    : loop_(loop),
      random_(random),
      identity_(identity),
      options_(std::move(options)),
      on_done_(std::move(on_done)) {
    choose_targets();
    const auto endpoints = endpoints_of(options_.settings).size();
    missing_ = endpoints + targets_.size();
    walks_.reserve(endpoints);
    for (const auto& [name, relay] : relays_of(options_.settings)) {
        for (const Endpoint& endpoint : relay.relays) begin_walk(relay, endpoint);
    }
    for (Target& target : targets_) begin_probe(target);
}

void HomeCheckup::begin_walk(const DialSettings& settings, const Endpoint& endpoint) {
    RelayWalk::Options options;
    options.endpoint = endpoint;
    options.subject = to_text(endpoint);
    std::function<Result<ByteVector>()> knock;
    if (identity_ != nullptr) knock = [this] { return own_knock(*identity_, random_); };
    options.dial =
        dial_options(settings, settings.bind.empty() ? "" : settings.bind.front(), knock);
    options.name = settings.name;
    options.proves_key = identity_ != nullptr;
    options.expected = settings.relay_key;
    options.expected_where = "relay-key";
    if (!options.expected) {
        const std::string path = options_.state_dir + "/known_relays";
        const auto known = KnownRelays::load(path);
        if (known)
            options.expected = known->lookup(endpoint.host + ":" + std::to_string(endpoint.port));
        options.expected_where = path;
    }
    Walk& walk = walks_.emplace_back();
    walk.walk = std::make_unique<RelayWalk>(loop_, random_, identity_, std::move(options),
                                            [this, &walk](std::vector<CheckSnapshot> checks) {
                                                walk.checks = std::move(checks);
                                                one_done();
                                            });
}

bool HomeCheckup::is_meant(const HostPort& target) const {
    const auto& only = options_.only;
    return !only ||
           (only->port == target.port && (only->host.empty() || only->host == target.host));
}

// Of a network only what was asked for by its address: nobody wants all of it dialled.
void HomeCheckup::choose_targets() {
    for (const auto& [name, relay] : relays_of(options_.settings)) {
        for (const ForwardSettings& forward : relay.forwards) {
            if (is_meant(forward.target)) add_target(forward.target, forward.probe);
        }
    }
    const auto& only = options_.only;
    if (only && !only->host.empty()) {
        const bool is_allowed = std::ranges::any_of(options_.allow, [&](const AllowRule& rule) {
            return allows(rule, only->host, only->port);
        });
        if (is_allowed) add_target({only->host, only->port}, ProbeKind::Auto);
        return;
    }
    for (const AllowRule& rule : options_.allow) {
        const auto host = only_host(rule);
        if (!host) continue;
        if (only && rule.ports.contains(only->port)) {
            add_target({*host, only->port}, ProbeKind::Auto);
        }
        if (!only && rule.ports.size() == 1) {
            add_target({*host, rule.ports.first}, ProbeKind::Auto);
        }
    }
}

void HomeCheckup::add_target(const HostPort& target, ProbeKind kind) {
    const bool is_known = std::ranges::any_of(
        targets_, [&](const Target& known) { return known.seen.target == target; });
    if (is_known || targets_.size() == targets_most) return;
    Target& added = targets_.emplace_back();
    added.seen.target = target;
    added.seen.kind = kind == ProbeKind::Auto   ? kind_for_port(target.port)
                      : kind == ProbeKind::None ? ProbeKind::Tcp
                                                : kind;
}

void HomeCheckup::begin_probe(Target& target) {
    const DirectProbe::Options options{.target = target.seen.target,
                                       .kind = target.seen.kind,
                                       .connect_timeout = options_.settings.connect_timeout};
    target.probe = std::make_unique<DirectProbe>(
        loop_, options, [this, &target](const DirectProbe::Outcome& outcome) {
            target.seen.verdict = outcome.verdict;
            target.seen.detail = outcome.detail;
            if (outcome.failure) {
                target.seen.reset = outcome.failure->reason;
            } else {
                target.seen.connect = outcome.connect;
                target.seen.answer = outcome.answer;
            }
            one_done();
        });
}

void HomeCheckup::one_done() {
    if (--missing_ > 0) return;
    const OnDone on_done = std::move(on_done_);
    on_done(findings());
}

std::vector<CheckSnapshot> HomeCheckup::allow_findings() const {
    Checklist allow{options_.settings.name};
    const auto& only = options_.only;
    if (only && targets_.empty() && !options_.allow.empty()) {
        const auto host = only->host.empty() ? "127.0.0.1" : only->host;
        const auto target = to_text(HostPort{host, only->port});
        allow.broken("allow",
                     fmt::format("no target with port {} is allowed by itself", only->port),
                     "relayctl allow " + target);
    } else if (options_.allow.empty() && targets_.empty()) {
        allow.broken("allow", "nothing is allowed, so no visitor can reach anything here",
                     "relayctl allow HOST:PORT, for example: relayctl allow 127.0.0.1:3389");
    } else if (options_.allow.empty()) {
        allow.ok("allow", "nothing but the targets of this home's own forwards");
    } else {
        std::vector<std::string> rules;
        for (const AllowRule& rule : options_.allow) rules.push_back(to_text(rule));
        allow.ok("allow", fmt::format("{}", fmt::join(rules, ", ")));
    }
    return allow.take();
}

HomeCheckup::Findings HomeCheckup::findings() {
    Findings findings;
    for (Walk& walk : walks_) append(findings.way, std::move(walk.checks));
    if (identity_ == nullptr) {
        Checklist key{options_.settings.name};
        key.broken("key", options_.key_trouble,
                   "it must be this user's alone: chmod 600; or make a new one: relayd key show");
        append(findings.way, key.take());
    }
    append(findings.targets, allow_findings());
    for (Target& target : targets_) {
        Checklist checks{to_text(target.seen.target)};
        const auto& host = target.seen.target.host;
        target.seen.home = is_local(host) ? "" : host;
        add_service_findings(checks, target.seen);
        append(findings.targets, checks.take());
    }
    return findings;
}

}  // namespace relay
