// How a home that the relay does not know gets in: by an invitation, which the first home that
// proves it uses up (docs/PROTOCOL.md 3.1).
#include <fmt/format.h>

#include "common/settings/forward.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_role.h"

namespace relay {

void RelayRole::forget_expired_invitations() {
    const std::int64_t now_s = unix_now();
    std::erase_if(invitations_,
                  [&](const auto& entry) { return entry.second.expires_unix_s <= now_s; });
}

const RuntimeInvitation* RelayRole::invitation_with(const PublicKey& key) const {
    for (const auto& [name, invitation] : invitations_) {
        if (invitation.key == key) return &invitation;
    }
    return nullptr;
}

// A stranger hears the same words as from decide(), whatever there is or was.
std::variant<Welcome, Refusal> RelayRole::enrol(const HomeProof& proof,
                                                const CarrierInfo& carrier) {
    forget_expired_invitations();
    RelayHome* home = home_with(proof.key);
    const RuntimeInvitation* invitation = invitation_with(*proof.invitation);
    if (const RelayVisitor* visitor = visitors_.with_key(proof.key)) {
        return known_as(PeerKind::Visitor, visitor->name());
    }
    if (home == nullptr && invitation == nullptr) {
        say_unknown(proof, carrier.peer_address);
        return unknown_key();
    }
    if (home != nullptr) {
        const bool is_other = home->name() != proof.name ||
                              (invitation != nullptr && invitation->home != home->name());
        if (!may_dial_in(*home, proof.key, carrier.peer_address)) {
            return not_from(carrier.peer_address);
        }
        if (is_other) {
            return Refusal{RefusalReason::OtherHome,
                           fmt::format("this key is known here as the home {}", home->name())};
        }
    }
    if (invitation == nullptr) return Welcome{};  // It asks again, having missed our answer.
    const Status registered = register_home(*invitation, proof.key);
    if (!registered) {
        context_.log.error({.home = proof.name,
                            .peer = carrier.peer_address,
                            .message_id = message_id::cannot_register_home},
                           "an invited home cannot be registered: {}", registered.error().text);
        return Refusal{RefusalReason::Busy, "the relay cannot register the home; its log says why"};
    }
    return Welcome{};
}

// The forwards are written first and the home with its invitation last, by one write that makes
// both true at once: a forward of a home that is not known yet does no harm.
Status RelayRole::register_home(const RuntimeInvitation& invitation, const PublicKey& key) {
    const RuntimeInvitation used = invitation;
    const bool is_new = !homes_.contains(used.home);
    if (is_new && homes_.size() >= max_homes) {
        return Error{ErrorCode::TooLarge, fmt::format("a relay knows at most {} homes", max_homes)};
    }
    RelayHome& home = home_named(used.home);
    auto& keys = home.keys().runtime.keys;
    const bool adds_key = !home.keys().has(key);
    if (adds_key && keys.size() >= max_keys_per_home) {
        return Error{ErrorCode::TooLarge,
                     fmt::format("{} has {} keys already", used.home, keys.size())};
    }
    if (adds_key) keys.push_back({key, used.home, {}});
    std::vector<ForwardId> added;
    for (const auto& range : used.forwards) {
        const auto forwards = parse_forward(to_text(range.listen), to_text(range.target));
        if (!forwards || home.forwards().size() + forwards->size() > max_forwards_per_home) {
            continue;
        }
        for (const ForwardSettings& forward : *forwards) {
            added.push_back(home.add_forward(forward, Origin::Runtime, std::nullopt));
        }
    }
    invitations_.erase(used.home);
    Status saved = save_forwards();
    if (saved) saved = save_homes();
    if (!saved) {
        invitations_[used.home] = used;
        for (const ForwardId id : added) home.remove_forward(id, RelayHome::Streams::Reset);
        if (adds_key) keys.pop_back();
        if (is_new) homes_.erase(used.home);
        return saved;
    }
    peers_changed();
    context_.log.info({.home = used.home, .message_id = message_id::home_joined},
                      "the home has joined by its invitation");
    home.tell("home-added", "joined by its invitation");
    for (const ForwardId id : added) home.tell("forward-added", "by the invitation", id);
    return Done{};
}

}  // namespace relay
