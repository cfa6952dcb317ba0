#include "daemon/roles/uplink.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/ssh_public_key.h"
#include "daemon/identity/known_relays.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

// Before we come again to where another process has taken over.
constexpr Duration yield_least = std::chrono::seconds(15);

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

TlsVerification verification_of(const HomeSettings& settings) {
    using Mode = TlsVerification::Mode;
    switch (settings.tls_verify) {
        case TlsVerify::None: return {.mode = Mode::Nothing, .authority_file = {}};
        case TlsVerify::System: return {.mode = Mode::SystemAuthorities, .authority_file = {}};
        case TlsVerify::File:
            return {.mode = Mode::AuthorityFile, .authority_file = settings.tls_verify_file};
    }
    return {};
}

}  // namespace

Uplink::Uplink(const RoleContext& context, const HomeSettings& settings, Slot slot,
               SessionToResume resume, OnConnected on_connected)
    : context_(context),
      settings_(settings),
      slot_(std::move(slot)),
      resume_(std::move(resume)),
      on_connected_(std::move(on_connected)),
      backoff_({settings.reconnect_first, settings.reconnect_most}, context.random),
      yield_({std::chrono::seconds(30), std::chrono::minutes(5)}, context.random),
      admissions_(context.state_dir, fingerprint_of(context.identity.public_key())),
      redial_(context.loop, [this] { dial(); }) {}

// Each slot begins with another one of the list.
Endpoint Uplink::choose() const {
    const auto& all = settings_.relays;
    const std::size_t first = slot_.number + attempts_;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Endpoint& endpoint = all[(first + i) % all.size()];
        if (!slot_.is_taken(endpoint)) return endpoint;
    }
    return all[first % all.size()];
}

// The address to dial from: that of this slot, or the last one that is named.
std::string Uplink::source() const {
    const auto& all = settings_.bind;
    return all.empty() ? std::string() : all[std::min<std::size_t>(slot_.number, all.size() - 1)];
}

void Uplink::dial_at_once() {
    if (dialer_ || handshaker_ || is_connected_) return;
    redial_.arm(Duration::zero());
}

void Uplink::dial_much_later(const std::string& why, std::string_view message_id) {
    const Duration wait = yield_least + yield_.next();
    problem_ = why;
    context_.log.warning({.message_id = message_id}, "{}; trying again in {:.0f} s", problem_,
                         seconds(wait));
    redial_.arm(wait);
}

void Uplink::is_up() {
    backoff_.reset();
    problem_.clear();
    if (std::exchange(is_admitted_, true)) return;
    const Status noted = admissions_.add(relay_);
    if (!noted) {
        context_.log.warning({}, "{}; if the relay removes this home, it will be dialled as before",
                             noted.error().text);
    }
}

void Uplink::stop() {
    redial_.disarm();
    dialer_.reset();
    handshaker_.reset();
}

void Uplink::dial() {
    former_.reset();
    endpoint_ = choose();
    const DialOptions options{.proxy = settings_.proxy == "none" ? "direct" : settings_.proxy,
                              .source = source(),
                              .verification = verification_of(settings_)};
    context_.log.debug({.peer = to_text(endpoint_)}, "dialling");
    dialer_ = std::make_unique<Dialer>(context_.loop, context_.random, endpoint_, options,
                                       [this](auto carrier) { dialled(std::move(carrier)); });
}

void Uplink::dialled(Result<std::unique_ptr<Carrier>> carrier) {
    dialer_.reset();
    if (!carrier) {
        failed(carrier.error().text);
        return;
    }
    const HomeHandshaker::Options options{
        .name = settings_.name, .resume = resume_(), .slot = slot_.number};
    handshaker_ = std::make_unique<HomeHandshaker>(
        context_.loop, context_.identity, context_.random, std::move(*carrier), options,
        [this](const PublicKey& relay) { return approve(relay); },
        [this](HomeHandshaker::Outcome outcome) { introduced(std::move(outcome)); });
    handshaker_->start();
}

// Trust on first use, as ssh does it; a pinned fingerprint comes before what is remembered.
Status Uplink::approve(const PublicKey& relay) {
    const Fingerprint shown = fingerprint_of(relay);
    if (shown != relay_) is_admitted_ = false;
    relay_ = shown;
    if (settings_.relay_key) {
        if (shown == *settings_.relay_key) return Done{};
        return Error{
            ErrorCode::Unauthentic,
            fmt::format("the relay shows the key {}, and relay-key names {}: somebody may "
                        "be in between; correct relay-key only if the relay was set up anew",
                        to_text(shown), to_text(*settings_.relay_key))};
    }
    const std::string path = context_.state_dir + "/known_relays";
    auto known = KnownRelays::load(path);
    if (!known) return known.error();
    const std::string address = fmt::format("{}:{}", endpoint_.host, endpoint_.port);
    const auto remembered = known->lookup(address);
    if (remembered && *remembered == shown) return Done{};
    if (!remembered) {
        context_.log.info({.peer = address},
                          "first contact with this relay: remembering its key {}", to_text(shown));
        return known->remember(address, shown);
    }
    context_.log.error({.peer = address, .message_id = message_id::relay_key_changed},
                       "THE RELAY'S KEY HAS CHANGED: {} was remembered, {} is shown",
                       to_text(*remembered), to_text(shown));
    return Error{ErrorCode::Unauthentic,
                 fmt::format("the relay's key has changed, so somebody may be in between; if the "
                             "relay was set up anew, remove the line of {} from {}",
                             address, path)};
}

void Uplink::introduced(HomeHandshaker::Outcome outcome) {
    former_ = std::move(handshaker_);  // It is what calls us.
    if (auto* welcome = std::get_if<Welcome>(&outcome.answer)) {
        is_connected_ = true;
        on_connected_({std::move(outcome.port), slot_.number, *welcome, to_text(endpoint_)});
        return;
    }
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
        refused(*refusal);
        return;
    }
    failed(std::get<Error>(outcome.answer).text);
}

// A home that is new there may be added at any moment, one that was removed hardly so.
void Uplink::refused(const Refusal& refusal) {
    std::string why = fmt::format("the relay refuses us: {}", refusal.text);
    if (refusal.reason != RefusalReason::UnknownKey) {
        failed(why);
        return;
    }
    const bool is_removed = is_admitted_ || admissions_.has(relay_);
    if (is_removed) why += "; it had let us in before, so it has removed this home";
    why += fmt::format("; let us in there with: relayctl home add {} '{}'", settings_.name,
                       public_key_line(context_.identity.public_key(), settings_.name));
    if (is_removed) {
        retry(why, yield_.next(), message_id::home_removed);
    } else {
        failed(why);
    }
}

void Uplink::failed(const std::string& why) {
    retry(why, backoff_.next());
}

void Uplink::retry(const std::string& why, Duration wait, std::string_view message_id) {
    const std::string relay = to_text(endpoint_);
    ++attempts_;
    // The same words again are news to nobody.
    const std::string problem = fmt::format("cannot connect to {}: {}", relay, why);
    const auto line = "{}, redialling in {:.1f} s";
    if (problem == problem_) {
        context_.log.debug({.peer = relay}, fmt::runtime(line), problem, seconds(wait));
    } else {
        context_.log.warning({.peer = relay, .message_id = message_id}, fmt::runtime(line), problem,
                             seconds(wait));
    }
    problem_ = problem;
    redial_.arm(wait);
}

}  // namespace relay
