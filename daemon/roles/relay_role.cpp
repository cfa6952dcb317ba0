#include "daemon/roles/relay_role.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/ssh_public_key.h"
#include "common/settings/difference.h"
#include "common/settings/forward.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/runtime_state.h"

namespace relay {

namespace {

constexpr std::size_t unknown_most = 1024;
constexpr Duration unknown_pause = std::chrono::minutes(1);

Error in_file(const LineFile& file, const std::string& line, const std::string& text) {
    return Error{ErrorCode::Malformed, fmt::format("{}: \"{}\": {}; correct or remove the line",
                                                   file.path(), line, text)};
}

}  // namespace

RelayRole::RelayRole(const RoleContext& context, const Settings& settings)
    : context_(context),
      settings_(*settings.relay),
      homes_file_(context.state_dir + "/homes"),
      forwards_file_(context.state_dir + "/forwards"),
      door_log_(context.loop, context.log),
      sweep_(context.loop,
             [this] {
                 done_.clear();
                 left_.clear();
             }),
      started_(now()) {}

RelayRole::~RelayRole() = default;

Result<TlsCertificate> RelayRole::certificate() const {
    if (settings_.certificate.empty()) return TlsCertificate::make_self_signed();
    return TlsCertificate::load(settings_.certificate, settings_.certificate_key);
}

Status RelayRole::start() {
    for (const auto& [name, entry] : settings_.homes) configure_home(name, entry);
    const Status loaded = load_runtime_state();
    if (!loaded) return loaded;
    go_on_with_sessions();
    const auto certificate = this->certificate();
    if (!certificate) return certificate.error();
    Acceptor::Options options;
    options.parking = &context_.parking;
    options.handshake_deadline = settings_.handshake_timeout;
    options.on_turned_away = [this](const std::string& address, const char* why) {
        door_log_.turned_away(address, why);
    };
    options.on_shortage = [this](const std::string& why) { door_log_.nobody_enters(why); };
    auto acceptor = Acceptor::make(
        context_.loop, context_.random, *certificate,
        [this](std::unique_ptr<Carrier> carrier, Admission admission) {
            accepted(std::move(carrier), std::move(admission));
        },
        options);
    if (!acceptor) return acceptor.error();
    acceptor_ = std::move(*acceptor);
    for (const Endpoint& endpoint : settings_.listen) {
        const auto port = acceptor_->add(endpoint);
        if (!port) return port.error();
        context_.log.info({}, "homes may dial in on {}", to_text(endpoint));
    }
    settle_what_is_left();
    if (homes_.empty()) {
        context_.log.info({}, "no home is known yet: relayctl home add NAME 'ssh-ed25519 …'");
    }
    return Done{};
}

void RelayRole::stop() {
    acceptor_.reset();
    handshakers_.clear();
    for (const auto& [name, home] : homes_) home->drop();
    homes_.clear();
    leaving_.clear();
    left_.clear();
}

RelayHome& RelayRole::home_named(const std::string& name) {
    auto& home = homes_[name];
    if (!home) {
        home = std::make_unique<RelayHome>(context_, name, settings_, events_, [this] {
            const Status saved = save_forwards();
            if (!saved) context_.log.warning({}, "{}", saved.error().text);
        });
    }
    return *home;
}

void RelayRole::configure_home(const std::string& name, const HomeEntry& entry) {
    RelayHome& home = home_named(name);
    home.config_keys() = {entry.keys, entry.from};
    for (const ForwardSettings& forward : entry.forwards) {
        home.add_forward(forward, Origin::Config, std::nullopt);
    }
}

Status RelayRole::load_runtime_state() {
    const auto homes = homes_file_.load();
    if (!homes) return homes.error();
    for (const std::string& line : *homes) {
        const Status taken = load_home_line(line);
        if (!taken) return in_file(homes_file_, line, taken.error().text);
    }
    const auto forwards = forwards_file_.load();
    if (!forwards) return forwards.error();
    for (const std::string& line : *forwards) {
        const auto entry = parse_runtime_forward(line);
        if (!entry) return in_file(forwards_file_, line, entry.error().text);
        const auto home = homes_.find(entry->home);
        if (home == homes_.end()) {
            context_.log.warning({.home = entry->home},
                                 "a forward of a home that is no longer known");
            continue;
        }
        home->second->add_forward(entry->forward, Origin::Runtime, entry->expires_unix_s);
    }
    return Done{};
}

Status RelayRole::load_home_line(const std::string& line) {
    if (is_invitation(line)) {
        const auto invitation = parse_runtime_invitation(line);
        if (!invitation) return invitation.error();
        invitations_[invitation->home] = *invitation;
        return Done{};
    }
    const auto entry = parse_runtime_key(line);
    if (!entry) return entry.error();
    home_named(entry->home).runtime_keys().keys.push_back(entry->key);
    return Done{};
}

Status RelayRole::save_forwards() const {
    std::vector<std::string> lines;
    for (const auto& [name, home] : homes_) {
        for (const auto& [id, own] : home->forwards()) {
            if (own.origin != Origin::Runtime) continue;
            lines.push_back(
                line_of(RuntimeForward{name, own.forward->settings(), own.expires_unix_s}));
        }
    }
    return forwards_file_.save("added by relayctl forward add", lines);
}

Status RelayRole::save_homes() const {
    std::vector<std::string> lines;
    for (const auto& [name, home] : homes_) {
        for (const AuthorizedKey& key : home->runtime_keys().keys) {
            lines.push_back(line_of(RuntimeKey{name, key}));
        }
    }
    for (const auto& [name, invitation] : invitations_) lines.push_back(line_of(invitation));
    return homes_file_.save("added by relayctl home add and relayctl invite", lines);
}

void RelayRole::accepted(std::unique_ptr<Carrier> carrier, Admission admission) {
    handshakers_.push_back(std::make_unique<RelayHandshaker>(
        context_.loop, context_.identity, context_.random, std::move(carrier), std::move(admission),
        [this](const HomeProof& proof, const CarrierInfo& info) { return decide(proof, info); },
        [this](RelayHandshaker& handshaker, RelayHandshaker::Outcome outcome) {
            introduced(handshaker, std::move(outcome));
        }));
    handshakers_.back()->start();
}

RelayHome* RelayRole::home_with(const PublicKey& key) const {
    for (const auto& [name, home] : homes_) {
        if (home->has_key(key)) return home.get();
    }
    return nullptr;
}

Refusal unknown_key() {
    return {RefusalReason::UnknownKey, "no home has this key"};
}

Refusal not_from(const std::string& address) {
    return {RefusalReason::NotFromHere, fmt::format("not from your address, {}", address)};
}

std::variant<Welcome, Refusal> RelayRole::decide(const HomeProof& proof,
                                                 const CarrierInfo& carrier) {
    if (proof.invitation) return enrol(proof, carrier);
    RelayHome* home = home_with(proof.key);
    if (home == nullptr) {
        say_unknown(proof, carrier.peer_address);
        return unknown_key();
    }
    if (!may_dial_in(*home, proof.key, carrier.peer_address)) {
        return not_from(carrier.peer_address);
    }
    if (!home->may_come_again(now())) {
        return Refusal{RefusalReason::Busy, "the home has come too often in a short time"};
    }
    return home->welcome(proof);
}

bool RelayRole::may_dial_in(RelayHome& home, const PublicKey& key, const std::string& address) {
    if (home.may_come_from(key, address)) return true;
    if (!door_log_.may_tell_refusal(address)) return false;
    context_.log.warning(
        {.home = home.name(), .peer = address, .message_id = message_id::peer_refused},
        "refused: the home may not dial in from {}", address);
    home.tell("home-refused", fmt::format("not from {}", address));
    return false;
}

void RelayRole::say_unknown(const HomeProof& proof, const std::string& address) {
    const std::string host = address.substr(0, address.rfind(':'));
    if (unknown_logged_.size() >= unknown_most) unknown_logged_.clear();
    auto [last, is_first] = unknown_logged_.try_emplace(host, now());
    if (!is_first && now() - last->second < unknown_pause) return;
    last->second = now();
    if (!door_log_.may_tell_refusal(address)) return;
    // Whoever has no key of ours chose that name, and an operator may paste this line.
    const std::string name = check_home_name(proof.name) ? proof.name : "NAME";
    const LogFields where{.peer = address, .message_id = message_id::peer_refused};
    if (proof.invitation) {
        context_.log.warning(where,
                             "refused an unknown home: its invitation was used or revoked, has "
                             "expired, or never was one; to invite it again: relayctl invite {}",
                             name);
    } else {
        context_.log.warning(where,
                             "refused a home whose key is unknown; if you know it: relayctl home "
                             "add {} '{}'",
                             name, public_key_line(proof.key, name));
    }
    EventSnapshot event;
    event.kind = "home-refused";
    event.text = fmt::format("{} with an unknown {} from {}", name,
                             proof.invitation ? "invitation" : "key", address);
    events_.publish(std::move(event));
}

void RelayRole::introduced(RelayHandshaker& handshaker, RelayHandshaker::Outcome outcome) {
    const auto found = std::find_if(handshakers_.begin(), handshakers_.end(),
                                    [&](const auto& one) { return one.get() == &handshaker; });
    if (found != handshakers_.end()) {
        done_.splice(done_.end(), handshakers_, found);
        sweep_.schedule();
    }
    if (!outcome.port) {
        context_.log.debug({}, "a handshake came to nothing: {}", outcome.failure.text);
        // Who was refused has been spoken of; who registered comes again.
        const bool has_proved = outcome.proof.key != PublicKey{};
        if (!has_proved) door_log_.turned_away(handshaker.address(), "it proved no key");
        return;
    }
    RelayHome* home = home_with(outcome.proof.key);
    if (home != nullptr) home->connected(std::move(outcome));
}

std::string RelayRole::status_line() const {
    std::size_t online = 0, streams = 0;
    for (const auto& [name, home] : homes_) {
        if (home->online()) ++online;
        streams += home->streams().size();
    }
    return fmt::format("{} of {} homes connected, {} streams", online, homes_.size(), streams);
}

ReloadSnapshot RelayRole::apply(const Settings& settings) {
    ReloadSnapshot result;
    const RelaySettings& next = *settings.relay;
    Settings before, after;
    before.relay = settings_;
    after.relay = next;
    const Difference difference = difference_of(before, after);
    for (const std::string& changed : difference.changed) result.changes.push_back(changed);
    result.needs_restart = difference.need_restart;
    apply_listeners(next, result);
    apply_homes(next, result);
    settings_ = next;
    acceptor_->set_handshake_deadline(next.handshake_timeout);
    for (const auto& [name, home] : homes_) home->settings_changed();
    // The same path may hold another certificate now.
    const auto certificate = this->certificate();
    const Status set =
        certificate ? acceptor_->set_certificate(*certificate) : Status{certificate.error()};
    if (!set) context_.log.error({}, "{}; going on with the former certificate", set.error().text);
    return result;
}

void RelayRole::apply_listeners(const RelaySettings& next, ReloadSnapshot& result) {
    for (const Endpoint& old : settings_.listen) {
        if (std::find(next.listen.begin(), next.listen.end(), old) != next.listen.end()) continue;
        const Status removed = acceptor_->remove(old);
        if (removed) result.changes.push_back("no longer listening on " + to_text(old));
    }
    for (const Endpoint& endpoint : next.listen) {
        const auto& old = settings_.listen;
        if (std::find(old.begin(), old.end(), endpoint) != old.end()) continue;
        const auto port = acceptor_->add(endpoint);
        result.changes.push_back(port ? "listening on " + to_text(endpoint) : port.error().text);
        if (!port) context_.log.error({}, "{}", port.error().text);
    }
}

void RelayRole::apply_homes(const RelaySettings& next, ReloadSnapshot& result) {
    for (const auto& [name, entry] : settings_.homes) {
        if (next.homes.contains(name)) continue;
        RelayHome& home = home_named(name);
        if (home.runtime_keys().keys.empty()) {
            dismiss(name);
        } else {
            apply_home(home, HomeEntry{}, result);
        }
        result.changes.push_back("home " + name + " removed");
    }
    for (const auto& [name, entry] : next.homes) {
        if (settings_.homes.contains(name)) {
            apply_home(home_named(name), entry, result);
        } else {
            configure_home(name, entry);
            result.changes.push_back("home " + name + " added");
        }
    }
}

void RelayRole::apply_home(RelayHome& home, const HomeEntry& next, ReloadSnapshot& result) {
    home.config_keys() = {next.keys, next.from};
    std::vector<ForwardSettings> kept;
    std::vector<ForwardId> gone;
    for (const auto& [id, own] : home.forwards()) {
        if (own.origin != Origin::Config) continue;
        const auto& settings = own.forward->settings();
        const bool stays =
            std::find(next.forwards.begin(), next.forwards.end(), settings) != next.forwards.end();
        if (stays) {
            kept.push_back(settings);
        } else {
            gone.push_back(id);
        }
    }
    for (const ForwardId id : gone) {
        result.changes.push_back("forward " + home.forwards().at(id).forward->listen_text() +
                                 " removed");
        home.remove_forward(id, RelayHome::Streams::GoOn);
    }
    for (const ForwardSettings& forward : next.forwards) {
        if (std::find(kept.begin(), kept.end(), forward) != kept.end()) continue;
        home.add_forward(forward, Origin::Config, std::nullopt);
        result.changes.push_back("forward " + to_text(forward.listen) + " added");
    }
}

}  // namespace relay
