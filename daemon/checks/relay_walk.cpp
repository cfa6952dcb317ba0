#include "daemon/checks/relay_walk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "common/base/ip_address.h"
#include "common/base/text.h"
#include "common/crypto/ssh_public_key.h"
#include "daemon/carriers/proxy_choice.h"
#include "daemon/io/system_clock.h"

namespace relay {

namespace {

constexpr Duration reach_most = std::chrono::seconds(10);
constexpr std::uint16_t usual_proxy_port = 1080;  // As libcurl has it.

// Empty: none, for whatever reason.
std::string proxy_of(const Endpoint& endpoint, const std::string& configured) {
    if (configured == "direct") return {};
    if (!configured.empty()) return configured;
    if (is_excepted_from_proxy(endpoint.host)) return {};
    return environment_proxy(endpoint.kind != CarrierKind::Ws && !endpoint.is_plain);
}

// Where "http://user:password@proxy:8080" is.
HostPort address_of_proxy(const std::string& proxy) {
    std::string_view rest = proxy;
    if (const auto scheme = rest.find("://"); scheme != rest.npos) rest.remove_prefix(scheme + 3);
    if (const auto at = rest.rfind('@'); at != rest.npos) rest.remove_prefix(at + 1);
    rest = rest.substr(0, rest.find('/'));
    if (const auto parsed = parse_host_port(rest)) return *parsed;
    return {std::string{rest}, usual_proxy_port};
}

std::string without_endpoint(const std::string& text, const Endpoint& endpoint) {
    const auto before = to_text(endpoint) + ": ";
    return text.starts_with(before) ? text.substr(before.size()) : text;
}

}  // namespace

RelayWalk::RelayWalk(Loop& loop, Random& random, const Identity* identity, Options options,
                     OnDone on_done)
    : loop_(loop),
      random_(random),
      options_(std::move(options)),
      on_done_(std::move(on_done)),
      checks_(options_.subject),
      nobody_(PrivateKey::generate(random)),
      identity_(identity),
      proxy_(proxy_of(options_.endpoint, options_.dial.proxy)),
      first_hop_(proxy_.empty() ? HostPort{options_.endpoint.host, options_.endpoint.port}
                                : address_of_proxy(proxy_)),
      lap_began_(now()),
      knocked_(loop, [this] { reach(); }) {
    reach();
}

// With a gate before the relay: the first time nothing but knocks, and then it connects.
void RelayWalk::reach() {
    const bool is_knocking = options_.dial.knock && proxy_.empty() && addresses_.empty();
    addresses_.clear();
    reaching_ = std::make_unique<TargetDialer>(
        loop_, first_hop_, reach_most,
        [this, is_knocking](const std::string& address) {
            addresses_.push_back(address);
            // What went wrong shows when nobody opens.
            if (is_knocking) (void)knock_at(options_.dial.knock, address, options_.dial.source);
            return !is_knocking;
        },
        [this, is_knocking](auto result) {
            if (is_knocking && !addresses_.empty()) return knocked_.arm(knock_head_start);
            reached(result);
        });
}

Duration RelayWalk::lap() {
    const TimePoint time = now();
    return time - std::exchange(lap_began_, time);
}

// Of a proxy, the name that we look up is its own: it looks up the relay's.
void RelayWalk::reached(const std::variant<UniqueFd, TargetDialer::Failure>& result) {
    const auto took = lap();
    const std::string where = to_text(first_hop_);
    const std::string what = proxy_.empty() ? "the relay" : "the proxy";
    const auto* failure = std::get_if<TargetDialer::Failure>(&result);
    if (failure != nullptr && failure->reason == ResetReason::TargetUnknown) {
        checks_.broken("dns", failure->text,
                       fmt::format("is the name of {} right (relay: and proxy: in the settings), "
                                   "and does DNS work here? Try: getent hosts {}",
                                   what, first_hop_.host));
        checks_.skipped({"tcp", "proxy", "tls", "identity", "key"});
        return finish();
    }
    if (parse_ip_address(first_hop_.host)) {
        checks_.ok("dns", fmt::format("{} is an address: no name to look up", first_hop_.host));
    } else {
        checks_.ok("dns", fmt::format("{} is {}", first_hop_.host, fmt::join(addresses_, ", ")));
    }
    if (failure != nullptr) {
        const bool refused = failure->reason == ResetReason::TargetRefused;
        const std::string advice =
            !proxy_.empty()
                ? "is the proxy the right one (proxy: in the settings, https_proxy in the "
                  "environment), and up?"
            : refused ? fmt::format(
                            "nothing listens on port {} there: is relayd running on {} "
                            "(systemctl status relayd), and is the port the right one?",
                            first_hop_.port, first_hop_.host)
                      : fmt::format(
                            "is {} up, and is TCP port {} open in its firewall and in "
                            "its provider's? There: relayctl doctor",
                            first_hop_.host, first_hop_.port);
        checks_.broken("tcp", failure->text, advice);
        checks_.skipped({"proxy", "tls", "identity", "key"});
        return finish();
    }
    checks_.ok("tcp", fmt::format("{} at {} takes connections", what, where), took);
    dial();
}

void RelayWalk::dial() {
    dialer_ = std::make_unique<Dialer>(loop_, random_, options_.endpoint, options_.dial,
                                       [this](auto carrier) { dialled(std::move(carrier)); });
}

void RelayWalk::dialled(Result<std::unique_ptr<Carrier>> carrier) {
    const auto stage = dialer_->stage();
    if (!carrier) {
        dial_failed(stage, without_endpoint(carrier.error().text, options_.endpoint));
        return finish();
    }
    const std::string through = without_password(proxy_);
    checks_.ok("proxy", proxy_.empty() ? "none on the way" : "through " + through);
    if (options_.endpoint.kind == CarrierKind::Ws) {
        checks_.ok("tls", "none: ws:// leaves it to the reverse proxy");
    } else {
        const bool is_judged = options_.dial.verification.mode != TlsVerification::Mode::Nothing;
        checks_.ok("tls",
                   is_judged ? "the certificate is good"
                             : "it stands; not its certificate is judged, but the relay's own key",
                   lap());
    }
    introduce(std::move(*carrier));
}

void RelayWalk::dial_failed(Dialer::Stage stage, const std::string& why) {
    if (stage == Dialer::Stage::Reaching) {
        const auto hop = proxy_.empty() ? "tcp" : "proxy";
        const std::string advice =
            proxy_.empty() ? "it was reached a moment ago: try again"
            : why.find("407") != why.npos
                ? "give the proxy its user and password: proxy: http://USER:PASSWORD@HOST:PORT in "
                  "the settings"
                : fmt::format(
                      "does the proxy let CONNECT through to port {}? Another one, or "
                      "none: proxy: in the settings",
                      options_.endpoint.port);
        checks_.broken(hop, why, advice);
        checks_.skipped({"tls", "identity", "key"});
        return;
    }
    checks_.ok("proxy", proxy_.empty() ? "none on the way" : "through " + without_password(proxy_));
    if (stage == Dialer::Stage::Securing) {
        const bool is_certificate = why.find("certificate") != why.npos;
        checks_.broken("tls", why,
                       is_certificate
                           ? fmt::format("is the clock right here, and is the certificate for {}? "
                                         "The setting is tls-verify",
                                         options_.endpoint.host)
                           : "something answers there that is not relayd, or a middlebox is in "
                             "between: are host and port of relay: right?");
    } else {
        checks_.broken("tls", "no relayd behind it: " + why,
                       "another server answers there: are port and path of relay: right, and does "
                       "the reverse proxy pass WebSocket on?");
    }
    checks_.skipped({"identity", "key"});
}

void RelayWalk::introduce(std::unique_ptr<Carrier> carrier) {
    lap_began_ = now();
    HomeHandshaker::Options options{.name = options_.name, .resume = {}};
    // An invitation that does not exist: a relay that knows the key has nothing to register and
    // says so, and one that does not refuses. No session begins, and none ends (PROTOCOL.md 3.1).
    options.invitation = PrivateKey::generate(random_);
    handshaker_ = std::make_unique<HomeHandshaker>(
        loop_, identity_ != nullptr ? *identity_ : nobody_, random_, std::move(carrier), options,
        [this](const PublicKey& relay) { return approve(relay); },
        [this](const HomeHandshaker::Outcome& outcome) { introduced(outcome); });
    handshaker_->start();
}

// An error ends the handshake here: before our name and key are told.
Status RelayWalk::approve(const PublicKey& relay) {
    relay_judged_ = true;
    const std::string shown = to_text(fingerprint_of(relay));
    if (!options_.expected) {
        checks_.warning("identity",
                        fmt::format("it shows the key {}, which nobody knows yet here", shown),
                        fmt::format("compare with `relayctl status` there, and pin it in the "
                                    "settings: relay-key: \"{}\"",
                                    shown));
        checks_.skipped("key", "nothing is told to a relay that is not known");
        return Error{ErrorCode::Refused, "not known yet"};
    }
    if (shown != to_text(*options_.expected)) {
        checks_.broken(
            "identity",
            fmt::format("it shows the key {}, and {} has {}: another relay, or somebody in between",
                        shown, options_.expected_where, to_text(*options_.expected)),
            fmt::format("compare with `relayctl status` at the relay; only if it was set up anew, "
                        "correct {}",
                        options_.expected_where));
        checks_.skipped({"key"});
        return Error{ErrorCode::Unauthentic, "another key"};
    }
    checks_.ok("identity", fmt::format("{}, as {} has it", shown, options_.expected_where), lap());
    if (!options_.proves_key) return Error{ErrorCode::Refused, "that was all"};
    return Done{};
}

void RelayWalk::introduced(const HomeHandshaker::Outcome& outcome) {
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
        judge_refusal(*refusal);
    } else if (std::holds_alternative<Welcome>(outcome.answer)) {
        checks_.ok("key",
                   fmt::format("the relay knows this home, by {}",
                               to_text(fingerprint_of(identity_->public_key()))),
                   lap());
    } else if (!relay_judged_) {
        checks_.broken("identity", std::get<Error>(outcome.answer).text,
                       "what answers does not prove to be a relay: are host, port and path of "
                       "relay: right?");
        checks_.skipped({"key"});
    } else if (!checks_.is_broken() && options_.proves_key && options_.expected) {
        checks_.broken("key", std::get<Error>(outcome.answer).text,
                       "the relay's log says why: journalctl -u relayd");
    }
    finish();
}

void RelayWalk::judge_refusal(const Refusal& refusal) {
    if (refusal.reason == RefusalReason::OtherHome) {
        // By another name than ours: the key decides, and it is known.
        checks_.ok("key", refusal.text, lap());
        return;
    }
    const std::string text = "the relay refuses this home: " + refusal.text;
    if (refusal.reason == RefusalReason::UnknownKey) {
        checks_.broken(
            "key", text,
            fmt::format("let it in at the relay: relayctl home add {} '{}'", options_.name,
                        public_key_line(identity_->public_key(), options_.name)));
    } else if (refusal.reason == RefusalReason::NotFromHere) {
        checks_.broken("key", text,
                       fmt::format("at the relay, correct from: of {}, or dial from a network "
                                   "that it names",
                                   options_.name));
    } else if (refusal.reason == RefusalReason::ByRule) {
        checks_.broken("key", text, "a rule of the relay's operator: ask there");
    } else {
        checks_.broken("key", text, "the relay's log says more: journalctl -u relayd");
    }
}

void RelayWalk::finish() {
    const OnDone on_done = std::move(on_done_);
    on_done(checks_.take());
}

}  // namespace relay
