// Streams that their visitor seals: what is agreed upon before the target is dialled.
#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/fingerprint.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"
#include "daemon/roles/home_relay.h"
#include "daemon/roles/seal_answer.h"

namespace relay {

void HomeRelay::answer_sealed(SessionDriver& driver, StreamId stream, const Opened& opened) {
    const SealRecord* kept = driver.session().seal(stream);
    // A former process has come as far as that.
    if (kept != nullptr && kept->phase == SealRecord::Phase::Sealed)
        return dial_allowed(driver, stream, opened);
    const Destination& to = opened.to;
    opened_[stream] = opened;
    driver.adopt(
        stream,
        std::make_unique<SealAnswer>(
            SealAnswer::Place{context_.loop, driver, context_.random, context_.identity}, stream,
            ftp_mark(opened) + to_text(HostPort{to.host, to.port}),
            SealAnswer::Calls{
                .approve = [this, to](const PublicKey& visitor,
                                      const std::string&) { return approve(to, visitor); },
                .sealed =
                    [this, &driver, stream, opened] {
                        dial_allowed(driver, stream, opened);
                        driver.settle();
                    },
                .failed = [this, &driver, stream,
                           to](const Error& why) { refuse_sealed(driver, stream, to, why); }}));
}

Status HomeRelay::approve(const Destination& to, const PublicKey& visitor) const {
    const std::string shown = to_text(fingerprint_of(visitor));
    if (visitor != *to.sealed_for) {
        return Error{ErrorCode::Unauthentic,
                     fmt::format("the visitor has the key {}, and the relay vouches for {}", shown,
                                 to_text(fingerprint_of(*to.sealed_for)))};
    }
    const auto& accepted = house_.settings.visitors;
    if (!accepted.empty() &&
        std::find(accepted.begin(), accepted.end(), visitor) == accepted.end()) {
        return Error{ErrorCode::Refused,
                     fmt::format("the visitor's key {} is none of `visitors:`", shown)};
    }
    return Done{};
}

void HomeRelay::refuse_sealed(SessionDriver& driver, StreamId stream, const Destination& to,
                              const Error& why) {
    // Nobody is there to be refused.
    if (why.code == ErrorCode::NotFound) return driver.reset(stream, ResetReason::PeerReset);
    if (may_tell_refusal()) {
        const std::string target = to_text(HostPort{to.host, to.port});
        context_.log.warning(with_id(fields(), message_id::visitor_turned_away),
                             "refused {} for {}, which is to be sealed end to end: {}{}", target,
                             to.visitor, why.text, untold_refusals());
        tell("stream-refused", fmt::format("{} for {}: {}", target, to.visitor, why.text));
    }
    driver.reset(stream, why.code == ErrorCode::Refused ? ResetReason::NotAllowed
                                                        : ResetReason::Unauthentic);
}

void HomeRelay::refuse_unsealed(SessionDriver& driver, StreamId stream, const Destination& to) {
    if (may_tell_refusal()) {
        const std::string target = to_text(HostPort{to.host, to.port});
        context_.log.warning(with_id(fields(), message_id::target_not_allowed),
                             "refused to dial {} for {}: it is not sealed end to end, and "
                             "end-to-end: required wants that{}",
                             target, to.visitor, untold_refusals());
        tell("stream-refused",
             fmt::format("{} for {} is not sealed end to end", target, to.visitor));
    }
    driver.reset(stream, ResetReason::NotAllowed);
}

}  // namespace relay
