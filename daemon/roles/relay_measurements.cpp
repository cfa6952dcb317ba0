// `relayctl ping` and `relayctl bench` at a relay: whose session is meant.
#include <fmt/format.h>

#include "daemon/roles/relay_role.h"

namespace relay {

Result<Measurements::Subject> RelayRole::subject_named(const std::string& session) const {
    for (const auto& [name, home] : homes_) {
        const bool is_only_one = session.empty() && homes_.size() == 1;
        const bool is_session = !session.empty() && home->session_text() == session;
        if (!is_only_one && name != session && !is_session) continue;
        return Measurements::Subject{.driver = home->driver(), .home = name};
    }
    if (session.empty()) {
        return Error{ErrorCode::Refused, "say whose session: relayctl sessions lists them"};
    }
    for (const auto& [name, visitor] : visitors_.all()) {
        SessionDriver* driver = visitor->session(name == session ? "" : session);
        if (name != session && driver == nullptr) continue;
        return Measurements::Subject{.driver = driver, .visitor = name};
    }
    return Error{ErrorCode::NotFound,
                 fmt::format("no home or session \"{}\": relayctl sessions lists them", session)};
}

void RelayRole::ping(const AskPing& request, Completion<PingSnapshot> done) {
    const auto subject = subject_named(request.session);
    if (!subject) return done(subject.error());
    measurements_.ping(*subject, request, std::move(done));
}

Result<BenchSnapshot> RelayRole::start_bench(const StartBench& request) {
    const auto subject = subject_named(request.session);
    if (!subject) return subject.error();
    return measurements_.start(*subject, request);
}

Result<BenchSnapshot> RelayRole::bench(const BenchSelector& which) {
    return measurements_.show(which.id);
}

Status RelayRole::stop_bench(const BenchSelector& which) {
    return measurements_.stop(which.id);
}

}  // namespace relay
