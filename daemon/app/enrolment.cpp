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
        const DialOptions options{.proxy = request_.proxy == "none" ? "direct" : request_.proxy};
        progress_(fmt::format("connecting to {}", to_text(request_.relay)));
        dialer_ = std::make_unique<Dialer>(loop_, random_, request_.relay, options,
                                           [this](auto carrier) { dialled(std::move(carrier)); });
        loop_.run();
        if (fault_) return *fault_;
        return Done{};
    }

private:
    void dialled(Result<std::unique_ptr<Carrier>> carrier) {
        dialer_.reset();
        if (!carrier) return end(fault_of(carrier.error(), "cannot connect to "));
        const HomeHandshaker::Options options{
            .name = request_.invitation.home,
            .resume = {},
            .invitation = invitation_key(request_.invitation.secret)};
        handshaker_ = std::make_unique<HomeHandshaker>(
            loop_, identity_, random_, std::move(*carrier), options,
            [this](const PublicKey& relay) { return approve(relay); },
            [this](HomeHandshaker::Outcome outcome) { introduced(std::move(outcome)); });
        handshaker_->start();
    }

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

    void introduced(HomeHandshaker::Outcome outcome) {
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
        end(fault_of(error, "the relay at "));
    }

    EnrolmentFault fault_of(const Error& error, std::string_view before) const {
        // A dialler's error names the endpoint already.
        const std::string where = to_text(request_.relay);
        const std::string text =
            error.text.starts_with(where) ? error.text : where + ": " + error.text;
        return {fmt::format("{}{}", before, text), hint_for(error, request_.relay)};
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
    std::unique_ptr<Dialer> dialer_;
    std::unique_ptr<HomeHandshaker> handshaker_;
};

}  // namespace

Result<Done, EnrolmentFault> enrol(const EnrolmentRequest& request, const Identity& identity,
                                   const std::function<void(const std::string&)>& progress) {
    return Enrolment{request, identity, progress}.run();
}

}  // namespace relay
