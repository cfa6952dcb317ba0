// `relayctl doctor` at a relay.
#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/ssh_public_key.h"
#include "common/settings/forward.h"
#include "daemon/checks/path_findings.h"
#include "daemon/io/system_clock.h"
#include "daemon/roles/relay_checkup.h"
#include "daemon/roles/relay_role.h"

namespace relay {

namespace {

constexpr std::size_t checkups_most = 4;  // At a time.

}  // namespace

std::optional<CheckSnapshot> RelayRole::refusal_check(const std::string& home) const {
    const auto last = last_refusals_.of(home, now());
    if (!last) return std::nullopt;
    const double age = std::chrono::duration<double>(now() - last->at).count();
    Checklist checks{home};
    checks.broken("key",
                  fmt::format("a home that calls itself {} was refused {} ago, from {}: {}", home,
                              age_words(age), last->address, last->why),
                  last->advice);
    return checks.take().front();
}

// Whoever has no key of ours chose that name, and an operator may paste this line.
void RelayRole::note_unknown(const HomeProof& proof, const std::string& address) {
    if (!check_home_name(proof.name)) return;
    last_refusals_.add(
        {.home = proof.name,
         .address = address,
         .why = fmt::format("its key {} is unknown", to_text(fingerprint_of(proof.key))),
         .advice = fmt::format("if it is yours (compare with `relayctl status` "
                               "there): relayctl home add {} '{}'",
                               proof.name, public_key_line(proof.key, proof.name)),
         .at = now()});
}

void RelayRole::doctor(const DoctorSelector& which, Completion<std::vector<CheckSnapshot>> done) {
    const auto selected = select(which.home, which.port);
    const bool is_home = which.port.empty() && homes_.contains(which.home);
    if (!selected && !is_home) return done(selected.error());
    if (checkups_.size() >= checkups_most) {
        return done(Error{ErrorCode::Refused, "several checks are under way: wait for them"});
    }
    RelayCheckup::Options options;
    options.doors = settings_.listen;
    if (settings_.public_endpoint) options.public_host = settings_.public_endpoint->host;
    const auto add_home = [&](const std::string& name) {
        const bool is_new = std::ranges::find(options.homes, name) == options.homes.end();
        if (is_new) options.homes.push_back(name);
    };
    if (is_home) add_home(which.home);
    if (which.home.empty() && which.port.empty()) {
        for (const auto& [name, home] : homes_) add_home(name);
    }
    std::size_t left_off = 0;
    for (const Selected& entry : selected ? *selected : std::vector<Selected>{}) {
        add_home(entry.home->name());
        if (options.ways.size() == RelayCheckup::forwards_most) {
            ++left_off;
        } else {
            options.ways.push_back({entry.home->name(), entry.forward});
        }
    }
    const auto number = ++last_checkup_;
    checkups_[number] = std::make_unique<RelayCheckup>(
        context_, std::move(options),
        [this](const std::string& name) {
            const auto found = homes_.find(name);
            return found == homes_.end() ? nullptr : found->second.get();
        },
        [this](const std::string& home) { return refusal_check(home); },
        [this, number, left_off, done = std::move(done)](std::vector<CheckSnapshot> checks) {
            done(with_what_is_missing(std::move(checks), left_off));
            done_checkups_.push_back(std::move(checkups_[number]));
            checkups_.erase(number);
            sweep_.schedule();
        });
}

std::vector<CheckSnapshot> RelayRole::with_what_is_missing(std::vector<CheckSnapshot> checks,
                                                           std::size_t left_off) const {
    Checklist all{{}};
    all.append(std::move(checks));
    if (homes_.empty()) {
        all.broken("key", "no home is known",
                   "let a home in: relayctl invite work-pc --forward 3389");
        all.skipped({"session", "listener", "allow", "target", "protocol"});
    }
    if (left_off > 0) {
        all.skipped("listener",
                    fmt::format("{} more forwards were not tried: relayctl doctor PORT", left_off));
    }
    return all.take();
}

}  // namespace relay
