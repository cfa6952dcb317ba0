#include "daemon/roles/relay_role.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/ssh_public_key.h"
#include "common/settings/forward.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_checkup.h"
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
      guard_(settings_.guard),
      homes_file_(context.state_dir + "/homes"),
      forwards_file_(context.state_dir + "/forwards"),
      house_{
          context_,
          settings_,
          events_,
          visitor_names_,
          [this](const auto& rules, const Destination& to) { return find_forward(rules, to); },
          [this](const std::string& home) { return cannot_seal(home); },
          [this](const auto& rules, const HostPort& listener) { return ftp_at(rules, listener); }},
      visitors_(house_),
      door_log_(context.loop, context.log),
      sweep_(context.loop,
             [this] {
                 done_.clear();
                 left_.clear();
                 done_checkups_.clear();
             }),
      started_(now()) {}

RelayRole::~RelayRole() = default;

Result<TlsCertificate> RelayRole::certificate() const {
    if (settings_.certificate.empty()) return TlsCertificate::make_self_signed();
    return TlsCertificate::load(settings_.certificate, settings_.certificate_key);
}

Status RelayRole::start() {
    accept_hook_.set(settings_.accept_hook);
    for (const auto& [name, entry] : settings_.homes) configure_home(name, entry);
    visitors_.configure();
    Status loaded = load_runtime_state();
    if (loaded) loaded = visitors_.load();
    if (!loaded) return loaded;
    go_on_with_sessions();
    const auto certificate = this->certificate();
    if (!certificate) return certificate.error();
    Acceptor::Options options;
    options.parking = &context_.parking;
    options.handshake_deadline = settings_.handshake_timeout;
    options.trusted_proxies = settings_.trusted_proxies;
    options.fallback = settings_.fallback;
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
    acceptor_->set_poll(settings_.poll);
    for (const Endpoint& endpoint : settings_.listen) {
        const auto port = acceptor_->add(endpoint);
        if (!port) return port.error();
        context_.log.info({}, "homes may dial in on {}", to_text(endpoint));
    }
    settle_what_is_left();
    open_watches();
    if (homes_.empty()) {
        context_.log.info({.message_id = message_id::no_home_known},
                          "no home is known yet: relayctl home add NAME 'ssh-ed25519 …'");
    }
    return Done{};
}

// Without it homes that are ssh sessions are not shown, and watch their ports alone.
void RelayRole::open_watches() {
    if (context_.watch_path.empty()) return;
    auto watches =
        WatchedPorts::open({context_.loop, context_.log, context_.random,
                            [this](const EventSnapshot& event) { events_.publish(event); }},
                           context_.watch_path);
    if (watches) {
        watches_ = *std::move(watches);
    } else {
        context_.log.warning({.message_id = message_id::ssh_cannot_register},
                             "ssh sessions cannot register: {}", watches.error().text);
    }
}

void RelayRole::stop() {
    watches_.reset();
    checkups_.clear();
    acceptor_.reset();
    handshakers_.clear();
    asked_about_.clear();
    accept_hook_.stop();
    for (const auto& [name, home] : homes_) home->drop();
    homes_.clear();
    visitors_.stop();
    leaving_.clear();
    left_.clear();
}

RelayHome& RelayRole::home_named(const std::string& name) {
    auto& home = homes_[name];
    if (!home) {
        const RelayHome::House shared{
            settings_,
            events_,
            visitor_names_,
            guard_,
            house_.find_forward,
            [this](const std::string& visitor, const std::string& control, const Destination& to) {
                return open_to_visitor(visitor, control, to);
            }};
        home = std::make_unique<RelayHome>(context_, name, shared, [this, name] {
            const Status saved = save_forwards();
            if (saved) return;
            context_.log.warning({.home = name, .message_id = message_id::state_not_saved}, "{}",
                                 saved.error().text);
        });
    }
    return *home;
}

void RelayRole::configure_home(const std::string& name, const HomeEntry& entry) {
    RelayHome& home = home_named(name);
    home.keys().config = {entry.keys, entry.from};
    auto permissions = home.permissions();
    permissions.config = {entry.may_listen, entry.may_reach};
    home.set_permissions(permissions);
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
            context_.log.warning(
                {.home = entry->home, .message_id = message_id::forward_without_home},
                "a forward of a home that is no longer known");
            continue;
        }
        if (entry->is_homes && !home->second->may_have(entry->forward.listen)) continue;
        const Origin origin = entry->is_homes ? Origin::Home : Origin::Runtime;
        home->second->add_forward(entry->forward, origin, entry->expires_unix_s);
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
    if (is_runtime_permission(line)) {
        const auto permission = parse_runtime_permission(line);
        if (!permission) return permission.error();
        RelayHome& home = home_named(permission->home);
        auto permissions = home.permissions();
        permissions.runtime = {permission->listen, permission->reach};
        home.set_permissions(permissions);
        return Done{};
    }
    const auto entry = parse_runtime_key(line);
    if (!entry) return entry.error();
    home_named(entry->owner).keys().runtime.keys.push_back(entry->key);
    return Done{};
}

Status RelayRole::save_forwards() const {
    std::vector<std::string> lines;
    for (const auto& [name, home] : homes_) {
        for (const auto& [id, own] : home->forwards()) {
            if (own.origin != Origin::Runtime && own.origin != Origin::Home) continue;
            lines.push_back(line_of(RuntimeForward{
                name, own.forward->settings(), own.expires_unix_s, own.origin == Origin::Home}));
        }
    }
    return forwards_file_.save("added by relayctl forward add", lines);
}

Status RelayRole::save_homes() const {
    std::vector<std::string> lines;
    for (const auto& [name, home] : homes_) {
        for (const AuthorizedKey& key : home->keys().runtime.keys) {
            lines.push_back(line_of(RuntimeKey{name, key}));
        }
        const auto& permitted = home->permissions().runtime;
        if (!permitted.listen.empty() || !permitted.reach.empty()) {
            lines.push_back(line_of(RuntimePermission{name, permitted.listen, permitted.reach}));
        }
    }
    for (const auto& [name, invitation] : invitations_) lines.push_back(line_of(invitation));
    return homes_file_.save("added by relayctl home add and relayctl invite", lines);
}

void RelayRole::accepted(std::unique_ptr<Carrier> carrier, Admission admission) {
    handshakers_.push_back(std::make_unique<RelayHandshaker>(
        context_.loop, context_.identity, context_.random, std::move(carrier), std::move(admission),
        [this](RelayHandshaker& handshaker, const HomeProof& proof, const CarrierInfo& info) {
            return decide(handshaker, proof, info);
        },
        [this](RelayHandshaker& handshaker, RelayHandshaker::Outcome outcome) {
            introduced(handshaker, std::move(outcome));
        }));
    handshakers_.back()->start();
}

RelayHome* RelayRole::home_with(const PublicKey& key) const {
    for (const auto& [name, home] : homes_) {
        if (home->keys().has(key)) return home.get();
    }
    return nullptr;
}

Refusal unknown_key() {
    return {RefusalReason::UnknownKey, "no home has this key"};
}

Refusal not_from(const std::string& address) {
    return {RefusalReason::NotFromHere, fmt::format("not from your address, {}", address)};
}

bool RelayRole::may_dial_in(RelayHome& home, const PublicKey& key, const std::string& address) {
    if (home.keys().may_come_from(key, address)) return true;
    last_refusals_.add({.home = home.name(),
                        .address = address,
                        .why = "it may not dial in from there",
                        .advice = fmt::format("correct from: of {} in the settings, or let it dial "
                                              "from a network that is named there",
                                              home.name()),
                        .at = now()});
    if (!door_log_.may_tell_refusal(address)) return false;
    context_.log.warning(
        {.home = home.name(), .peer = address, .message_id = message_id::peer_refused},
        "refused: the home may not dial in from {}", address);
    home.tell("home-refused", fmt::format("not from {}", address));
    return false;
}

void RelayRole::say_unknown(const HomeProof& proof, const std::string& address) {
    note_unknown(proof, address);
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
                             "refused a {0} whose key is unknown; if you know it: relayctl {0} "
                             "add {1} '{2}'{3}",
                             name_of(proof.kind), name, public_key_line(proof.key, name),
                             proof.kind == PeerKind::Home ? "" : " --may-reach HOME:PORT");
    }
    EventSnapshot event;
    event.kind = "home-refused";
    event.text = fmt::format("{} with an unknown {} from {}", name,
                             proof.invitation ? "invitation" : "key", address);
    events_.publish(std::move(event));
}

void RelayRole::introduced(RelayHandshaker& handshaker, RelayHandshaker::Outcome outcome) {
    std::erase_if(asked_about_, [&](const auto& each) { return each.second == &handshaker; });
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
    if (RelayVisitor* visitor = visitors_.with_key(outcome.proof.key)) {
        visitor->connected(std::move(outcome));
    } else if (RelayHome* home = home_with(outcome.proof.key)) {
        home->connected(std::move(outcome));
    }
}

std::string RelayRole::status_line() const {
    std::size_t online = 0, streams = 0;
    for (const auto& [name, home] : homes_) {
        if (home->online()) ++online;
        streams += home->streams().size();
    }
    const auto sessions = watches_ ? watches_->count() : 0;
    return fmt::format("{} of {} homes connected, {} streams{}", online, homes_.size(), streams,
                       sessions == 0 ? "" : fmt::format(", {} ssh sessions", sessions));
}

}  // namespace relay
