// What an operator can do about invitations.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/settings/forward.h"
#include "common/settings/invitation.h"
#include "daemon/io/tcp_listener.h"
#include "daemon/roles/relay_role.h"

namespace relay {

namespace {

constexpr std::size_t max_invitations = 256;
constexpr double default_expiry_s = 15 * 60;
constexpr double expiry_most_s = 30.0 * 24 * 3600;

InvitationSnapshot shown(const RuntimeInvitation& invitation) {
    InvitationSnapshot snapshot;
    snapshot.home = invitation.home;
    snapshot.created = moment_at_unix(invitation.created_unix_s);
    snapshot.expires = moment_at_unix(invitation.expires_unix_s);
    for (const auto& forward : invitation.forwards) {
        snapshot.forwards.push_back({to_text(forward.listen), to_text(forward.target)});
    }
    return snapshot;
}

Result<std::vector<RuntimeInvitation::Forward>> parse_invited(
    const std::vector<InvitedForward>& wanted) {
    if (wanted.size() > max_invited_targets) {
        return Error{ErrorCode::TooLarge,
                     fmt::format("an invitation has at most {} forwards", max_invited_targets)};
    }
    std::vector<RuntimeInvitation::Forward> forwards;
    for (const InvitedForward& one : wanted) {
        const auto parsed = parse_forward(one.listen, one.to);
        if (!parsed) return parsed.error();
        const ForwardSettings &first = parsed->front(), &last = parsed->back();
        forwards.push_back({{first.listen.host, {first.listen.port, last.listen.port}},
                            {first.target.host, {first.target.port, last.target.port}}});
    }
    return forwards;
}

bool overlap(const HostPortRange& a, const HostPortRange& b) {
    return a.host == b.host && a.ports.first <= b.ports.last && b.ports.first <= a.ports.last;
}

// What is wrong is told while somebody looks, and not when the home comes.
Status try_to_listen(Loop& loop, Parking& parking, const HostPortRange& at) {
    for (unsigned port = at.ports.first; port <= at.ports.last; ++port) {
        const HostPort address{at.host, static_cast<std::uint16_t>(port)};
        if (parking.passed().has(to_text(address))) continue;
        const auto let_go = [](Accepted visitor) { visitor.fd.reset(); };
        const auto listener =
            is_unix(at.host) ? TcpListener::open_file(loop, {unix_path(at.host), 0600, {}}, let_go)
                             : TcpListener::open(loop, address.host, address.port, let_go);
        if (!listener) return listener.error();
    }
    return Done{};
}

bool is_any_address(std::string_view host) {
    return host == "0.0.0.0" || host == "::";
}

bool is_loopback(std::string_view host) {
    return host.starts_with("127.") || host == "::1" || host == "localhost";
}

}  // namespace

// Where homes dial: as the settings say, or as well as a machine can know it.
Endpoint RelayRole::public_endpoint(std::vector<std::string>& notes) const {
    if (settings_.public_endpoint) return *settings_.public_endpoint;
    const std::string where =
        context_.config_path.empty() ? "the configuration file" : context_.config_path;
    const auto& listen = settings_.listen;
    const auto named = std::find_if(listen.begin(), listen.end(), [](const Endpoint& endpoint) {
        return !is_any_address(endpoint.host) && !is_loopback(endpoint.host);
    });
    if (named != listen.end()) return *named;
    Endpoint endpoint = listen.front();
    if (is_loopback(endpoint.host)) {
        notes.push_back(
            fmt::format("this relay listens on {} alone; if homes reach it by another address, "
                        "write it as public: below relay: in {}, or say it with --url",
                        endpoint.host, where));
        return endpoint;
    }
    char name[256] = {};
    (void)gethostname(name, sizeof name - 1);
    endpoint.host = name;
    notes.push_back(fmt::format(
        "\"{}\" is this machine's own name; if homes reach it by another one, write public: {} "
        "with that name below relay: in {}, or say it with --url",
        name, "wss://vps.example.com", where));
    return endpoint;
}

Status RelayRole::check_invited(const std::string& home,
                                const RuntimeInvitation::Forward& forward) const {
    for (const auto& [name, other] : invitations_) {
        if (name == home) continue;
        for (const auto& taken : other.forwards) {
            if (!overlap(taken.listen, forward.listen)) continue;
            return Error{ErrorCode::AlreadyExists,
                         fmt::format("{} is in the invitation of {} already: choose another port, "
                                     "or relayctl invite revoke {}",
                                     to_text(forward.listen), name, name)};
        }
    }
    for (const auto& [name, known] : homes_) {
        for (const auto& [id, own] : known->forwards()) {
            const HostPort& at = own.forward->settings().listen;
            if (!overlap({at.host, {at.port, at.port}}, forward.listen)) continue;
            return Error{ErrorCode::AlreadyExists,
                         fmt::format("{} is a forward of {} already: relayctl forward list shows "
                                     "them",
                                     to_text(at), name)};
        }
    }
    return Done{};
}

// In place of a former one for the same name. On an error nothing has changed.
Status RelayRole::keep_invitation(const RuntimeInvitation& invitation,
                                  std::vector<std::string>& notes) {
    const auto before = invitations_;
    invitations_[invitation.home] = invitation;
    const Status saved = save_homes();
    if (!saved) {
        invitations_ = before;
        return saved;
    }
    if (before.contains(invitation.home)) {
        notes.push_back("the former invitation of this home is revoked");
    }
    if (homes_.contains(invitation.home)) {
        notes.push_back(fmt::format(
            "{0} is known already, and whoever joins comes in beside it, as one more key of the "
            "same home; to replace it: relayctl home remove {0}, then invite again",
            invitation.home));
    }
    EventSnapshot event;
    event.kind = "home-invited";
    event.home = invitation.home;
    event.text = "may join, once";
    events_.publish(std::move(event));
    return Done{};
}

Result<InvitationSnapshot> RelayRole::add_invitation(const AddInvitation& request) {
    const Status name_ok = check_home_name(request.home);
    if (!name_ok) return name_ok.error();
    // Written so that what is no number is refused as well.
    const double expires_s = request.expires_s.value_or(default_expiry_s);
    if (!(expires_s >= 1 && expires_s <= expiry_most_s)) {
        return Error{ErrorCode::Malformed, "an invitation is valid for 1s to 30d"};
    }
    forget_expired_invitations();
    if (!invitations_.contains(request.home) && invitations_.size() >= max_invitations) {
        return Error{ErrorCode::TooLarge,
                     fmt::format("there are {} invitations already: relayctl invites shows them",
                                 max_invitations)};
    }
    const auto forwards = parse_invited(request.forwards);
    if (!forwards) return forwards.error();
    std::vector<std::string> notes;
    for (const auto& forward : *forwards) {
        const Status good = check_invited(request.home, forward);
        if (!good) return good.error();
        const Status free = try_to_listen(context_.loop, context_.parking, forward.listen);
        if (free) continue;
        if (free.error().code != ErrorCode::AlreadyExists) return free.error();
        notes.push_back(free.error().text + "; the forward waits until it is free");
    }
    Endpoint endpoint;
    if (request.url.empty()) {
        endpoint = public_endpoint(notes);
    } else {
        const auto parsed = parse_endpoint(request.url);
        if (!parsed) return parsed.error();
        endpoint = *parsed;
    }

    Invitation told{.relay = fingerprint_of(context_.identity.public_key()),
                    .secret = {},
                    .expires_unix_s = unix_now() + static_cast<std::int64_t>(expires_s),
                    .home = request.home,
                    .targets = {}};
    context_.random.fill(told.secret.room());
    for (const auto& forward : *forwards) told.targets.push_back(forward.target);
    const auto token = token_of(told);
    if (!token) return token.error();

    const RuntimeInvitation kept{.home = request.home,
                                 .key = invitation_key(told.secret).public_key(),
                                 .created_unix_s = unix_now(),
                                 .expires_unix_s = told.expires_unix_s,
                                 .forwards = *forwards};
    const Status saved = keep_invitation(kept, notes);
    if (!saved) return saved.error();
    InvitationSnapshot made = shown(kept);
    made.token = *token;
    made.url = to_text(endpoint);
    made.command = fmt::format("relayd join {} {}", made.url, made.token);
    made.notes = std::move(notes);
    return made;
}

Result<std::vector<InvitationSnapshot>> RelayRole::invitations() {
    forget_expired_invitations();
    std::vector<InvitationSnapshot> list;
    for (const auto& [name, invitation] : invitations_) list.push_back(shown(invitation));
    return list;
}

Status RelayRole::remove_invitation(std::string_view home) {
    forget_expired_invitations();
    const auto found = invitations_.find(std::string(home));
    if (found == invitations_.end()) {
        return Error{ErrorCode::NotFound,
                     fmt::format("no invitation of \"{}\": relayctl invites shows them", home)};
    }
    EventSnapshot event;
    event.kind = "invitation-revoked";
    event.home = found->first;
    event.text = "by an operator";
    invitations_.erase(found);
    events_.publish(std::move(event));
    return save_homes();
}

}  // namespace relay
