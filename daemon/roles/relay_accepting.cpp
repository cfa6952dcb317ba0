// Who gets a session: whom the settings know, by their rules, and then by the operator's program.
#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/fingerprint.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/relay_role.h"
#include "daemon/roles/session_text.h"

namespace relay {

RelayRole::Verdict RelayRole::decide(RelayHandshaker& handshaker, const HomeProof& proof,
                                     const CarrierInfo& carrier) {
    if (proof.invitation) {
        const auto answer = enrol(proof, carrier);
        if (const auto* refusal = std::get_if<Refusal>(&answer)) return *refusal;
        return std::get<Welcome>(answer);
    }
    Verdict verdict = admit(proof, carrier.peer_address, !accept_hook_.is_wanted());
    if (std::holds_alternative<RelayHandshaker::Later>(verdict)) {
        ask_hook(handshaker, proof, carrier);
    }
    return verdict;
}

RelayRole::Verdict RelayRole::admit(const HomeProof& proof, const std::string& address,
                                    bool was_asked) {
    if (RelayVisitor* visitor = visitors_.with_key(proof.key)) {
        return admit(*visitor, proof, address, was_asked);
    }
    RelayHome* home = home_with(proof.key);
    if (home == nullptr) {
        say_unknown(proof, address);
        return unknown_key();
    }
    if (!may_dial_in(*home, proof.key, address)) return not_from(address);
    if (proof.kind != PeerKind::Home) return known_as(PeerKind::Home, home->name());
    // Whoever was asked about has been counted.
    const bool is_second_time = was_asked && accept_hook_.is_wanted();
    if (!is_second_time && !home->may_come_again(now())) {
        return Refusal{RefusalReason::Busy, "the home has come too often in a short time"};
    }
    if (!home->is_session(proof.resume)) {
        const std::string why = closed_now(home->policy(), wall_time_here());
        if (!why.empty()) return refused_by_rule(proof, home->name(), address, why);
        if (!was_asked) return RelayHandshaker::Later{};
    }
    return home->welcome(proof);
}

RelayRole::Verdict RelayRole::admit(RelayVisitor& visitor, const HomeProof& proof,
                                    const std::string& address, bool was_asked) {
    if (!visitor.keys().may_come_from(proof.key, address)) {
        if (door_log_.may_tell_refusal(address)) {
            context_.log.warning({.peer = address, .message_id = message_id::peer_refused},
                                 "refused: the visitor {} may not dial in from {}", visitor.name(),
                                 address);
        }
        return not_from(address);
    }
    if (proof.kind != PeerKind::Visitor) return known_as(PeerKind::Visitor, visitor.name());
    if (!visitor.has_session(proof.resume)) {
        const std::string why = closed_now(visitor.policy(), wall_time_here());
        if (!why.empty()) return refused_by_rule(proof, visitor.name(), address, why);
        if (!was_asked) {
            if (!visitor.may_come_again(now())) {
                return Refusal{RefusalReason::Busy,
                               "the visitor has come too often in a short time"};
            }
            return RelayHandshaker::Later{};
        }
    }
    const auto answer = visitor.welcome(proof);
    if (const auto* refusal = std::get_if<Refusal>(&answer)) return *refusal;
    return std::get<Welcome>(answer);
}

Refusal RelayRole::refused_by_rule(const HomeProof& proof, const std::string& name,
                                   const std::string& address, const std::string& why) {
    const bool is_home = proof.kind == PeerKind::Home;
    if (door_log_.may_tell_refusal(address)) {
        LogFields where{.peer = address, .message_id = message_id::peer_refused};
        if (is_home) where.home = name;
        context_.log.warning(where, "refused the {} {}: {}", name_of(proof.kind), name, why);
        EventSnapshot event;
        event.kind = is_home ? "home-refused" : "visitor-refused";
        (is_home ? event.home : event.visitor) = name;
        event.address = address;
        event.text = why;
        events_.publish(std::move(event));
    }
    return {RefusalReason::ByRule, why};
}

void RelayRole::ask_hook(RelayHandshaker& handshaker, const HomeProof& proof,
                         const CarrierInfo& carrier) {
    AcceptFacts facts;
    facts.kind = name_of(proof.kind);
    const RelayVisitor* visitor = visitors_.with_key(proof.key);
    facts.name = visitor != nullptr ? visitor->name() : home_with(proof.key)->name();
    facts.fingerprint = to_text(fingerprint_of(proof.key));
    facts.address = carrier.peer_address;
    facts.carrier = relay::name_of(carrier.kind);
    facts.version = proof.version;
    facts.at = moment_at(now());
    facts.asks = "session";
    const std::uint64_t number = ++last_asked_about_;
    asked_about_.emplace(number, &handshaker);
    accept_hook_.ask(
        facts, [this, number] { return asked_about_.count(number) != 0; },
        [this, number, proof](const auto& verdict) {
            // It may have given up meanwhile.
            const auto asked = asked_about_.extract(number);
            if (asked) hook_answered(*asked.mapped(), proof, verdict);
        });
}

void RelayRole::hook_answered(RelayHandshaker& handshaker, const HomeProof& proof,
                              const AcceptHookRunner::Verdict& verdict) {
    const std::string address = handshaker.address();
    const RelayVisitor* visitor = visitors_.with_key(proof.key);
    RelayHome* home = visitor == nullptr ? home_with(proof.key) : nullptr;
    const std::string name = visitor != nullptr ? visitor->name()
                             : home != nullptr  ? home->name()
                                                : std::string{};
    if (verdict.busy) {
        return handshaker.decided(Refusal{RefusalReason::Busy, verdict.reason});
    }
    std::string fault = verdict.fault;
    if (fault.empty() && verdict.allowed && home != nullptr) fault = lie_of(*home, verdict);
    if (!fault.empty()) {
        tell_hook_failure(name, address, fault);
        return handshaker.decided(
            refused_by_rule(proof, name, address, "the relay's accept hook failed"));
    }
    if (!verdict.allowed) {
        const std::string why = verdict.reason.empty() ? "not allowed now" : verdict.reason;
        return handshaker.decided(refused_by_rule(proof, name, address, why));
    }
    if (home != nullptr) home->expect_forwards(verdict.forwards);
    handshaker.decided(admit(proof, address, /*was_asked=*/true));
}

void RelayRole::tell_hook_failure(const std::string& name, const std::string& address,
                                  const std::string& fault) {
    const std::string& program = settings_.accept_hook.program;
    if (!door_log_.may_tell_hook_failure(program + ": " + fault)) return;
    context_.log.error({.peer = address, .message_id = message_id::hook_failed},
                       "the accept hook {} failed for {}, which is refused: {}", program, name,
                       fault);
}

// What the program permits and the settings do not.
std::string RelayRole::lie_of(const RelayHome& home,
                              const AcceptHookRunner::Verdict& verdict) const {
    for (const ForwardSettings& wanted : verdict.forwards) {
        if (std::string why = target_refused(home.policy(), wanted.target); !why.empty()) {
            return "its forward " + to_text(wanted.listen) + ": " + why;
        }
        for (const auto& [name, other] : homes_) {
            for (const auto& [id, own] : other->forwards()) {
                const ForwardSettings& taken = own.forward->settings();
                const bool is_same = other.get() == &home && taken.target == wanted.target;
                if (taken.listen != wanted.listen || is_same) continue;
                return fmt::format("its forward {} is one of {} already", to_text(wanted.listen),
                                   name);
            }
        }
    }
    return {};
}

}  // namespace relay
