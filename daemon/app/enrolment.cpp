#include "daemon/app/enrolment.h"

#include <fmt/format.h>

#include <optional>

#include "daemon/io/loop.h"

namespace relay {

namespace {

struct Hint {
    std::string_view symptom;  // In the error's text.
    std::string_view hint;
};

constexpr Hint hints[] = {
    {"resolve host", "is the name right, and does DNS work here? Try: getent hosts {}"},
    {"resolve proxy", "is the proxy's name right? --proxy none goes without one"},
    {"proxy", "another proxy: --proxy URL; none at all: --proxy none"},
    {"certificate", "is the machine's clock right, and is the certificate for {}?"},
    {"refused",
     "nothing listens there: is relayd running on {} (systemctl status relayd), and is the port "
     "the right one?"},
    {"in time",
     "no answer at all: is {} up, and is the port open in the firewalls between here and there?"},
    {"timed out",
     "no answer at all: is {} up, and is the port open in the firewalls between here and there?"},
    {"unreachable", "is this machine online?"},
    {"onnect to", "is {} up, and is the port open in the firewalls between here and there?"},
    {"", "something answers at {} that is not relayd: are port and path of the URL right?"},
};

std::string hint_for(const Error& error, const Endpoint& relay) {
    for (const Hint& entry : hints) {
        if (error.text.find(entry.symptom) == std::string::npos) continue;
        return fmt::format(fmt::runtime(entry.hint), relay.host);
    }
    return {};
}

EnrolmentFault fault_of(const Refusal& refusal, const Invitation& invitation) {
    switch (refusal.reason) {
        case RefusalReason::UnknownKey:
            return {
                "the relay does not accept this invitation: it was used, was revoked, or has "
                "expired by the relay's clock",
                fmt::format("ask for another one; there: relayctl invite {}", invitation.home)};
        case RefusalReason::OtherHome:
            return {fmt::format("the relay does not make this key the home {}: {}", invitation.home,
                                refusal.text),
                    "remove that home there (relayctl home remove NAME), or join with another key: "
                    "--key FILE"};
        case RefusalReason::NotFromHere:
        case RefusalReason::NoVersion:
        case RefusalReason::NotBound:
        case RefusalReason::ByRule:
        case RefusalReason::Busy: break;
    }
    return {"the relay refuses: " + refusal.text, {}};
}

class Enrolment {
public:
    using Progress = std::function<void(const std::string&)>;

    Enrolment(const EnrolmentRequest& request, const Identity& identity, const Progress& progress)
        : request_(request), identity_(identity), progress_(progress) {}

    Result<Done, EnrolmentFault> run() {
        progress_(fmt::format("connecting to {}", to_text(request_.relay)));
        Approach::Plan plan{
            .endpoint = request_.relay,
            .roads = roads_to(request_.relay, request_.dialling),
            .settings = request_.dialling,
            .introduction = {.name = request_.invitation.home,
                             .resume = {},
                             .invitation = invitation_key(request_.invitation.secret)}};
        approach_ = std::make_unique<Approach>(
            loop_, random_, identity_, std::move(plan),
            Approach::Calls{
                .approve = [this](const PublicKey& relay) { return approve(relay); },
                .on_dial = {},
                .on_done = [this](Approach::Outcome outcome) { introduced(std::move(outcome)); }});
        loop_.run();
        if (fault_) return *fault_;
        return Done{};
    }

private:
    Status approve(const PublicKey& relay) {
        const Fingerprint shown = fingerprint_of(relay);
        if (shown == request_.invitation.relay) {
            progress_("the relay has proved that it is the one that invited");
            return Done{};
        }
        is_other_relay_ = true;
        return Error{ErrorCode::Unauthentic,
                     fmt::format("{} is not the relay that invited: its key is {}, and the token "
                                 "names {}",
                                 to_text(request_.relay), to_text(shown),
                                 to_text(request_.invitation.relay))};
    }

    void introduced(Approach::Outcome outcome) {
        if (std::holds_alternative<Welcome>(outcome.answer)) return end(std::nullopt);
        if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
            return end(relay::fault_of(*refusal, request_.invitation));
        }
        const Error& error = std::get<Error>(outcome.answer);
        if (is_other_relay_) {
            return end(EnrolmentFault{
                error.text,
                "the URL leads to another relay, or somebody is in between; nothing was told to "
                "it. Compare with what `relayctl status` says there"});
        }
        end(fault_of(error));
    }

    EnrolmentFault fault_of(const Error& error) const {
        // A dialler's error names the endpoint already.
        const bool is_dialling = error.text.find("://") != std::string::npos;
        return {is_dialling
                    ? "cannot connect to " + error.text
                    : fmt::format("the relay at {}: {}", to_text(request_.relay), error.text),
                hint_for(error, request_.relay)};
    }

    void end(std::optional<EnrolmentFault> fault) {
        fault_ = std::move(fault);
        loop_.stop();
    }

    const EnrolmentRequest& request_;
    const Identity& identity_;
    const Progress& progress_;
    SecureRandom random_;
    Loop loop_;
    bool is_other_relay_ = false;
    std::optional<EnrolmentFault> fault_ = EnrolmentFault{"interrupted", {}};
    std::unique_ptr<Approach> approach_;
};

}  // namespace

Result<Done, EnrolmentFault> enrol(const EnrolmentRequest& request, const Identity& identity,
                                   const std::function<void(const std::string&)>& progress) {
    return Enrolment{request, identity, progress}.run();
}

}  // namespace relay
