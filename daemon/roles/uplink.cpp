#include "daemon/roles/uplink.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/identity/known_relays.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

// Before we come again to where another process has taken over.
constexpr Duration yield_least = std::chrono::seconds(15);

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

Uplink::Uplink(const RoleContext& context, const DialSettings& settings, Slot slot, Owner owner)
    : context_(context),
      settings_(settings),
      slot_(std::move(slot)),
      owner_(std::move(owner)),
      backoff_({settings.reconnect_first, settings.reconnect_most}, context.random),
      yield_({std::chrono::seconds(30), std::chrono::minutes(5)}, context.random),
      admissions_(context.state_dir, fingerprint_of(context.identity.public_key())),
      redial_(context.loop, [this] { dial(); }),
      known_roads_(context.state_dir),
      slot_in_use_(slot_.number),
      better_(context.loop, [this] { try_better(); }) {}

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
    if (approach_ || is_connected_) return;
    redial_.arm(Duration::zero());
}

void Uplink::dial_anew() {
    attempts_ = 0;
    dial_at_once();
}

void Uplink::dial_much_later(const std::string& why, std::string_view message_id) {
    const Duration wait = yield_least + yield_.next();
    problem_ = why;
    context_.log.warning({.message_id = message_id}, "{}; trying again in {:.0f} s", problem_,
                         seconds(wait));
    redial_.arm(wait);
}

// Data flows: the next failure is a first one.
void Uplink::is_up() {
    backoff_.reset();
    problem_.clear();
    if (std::exchange(is_admitted_, true)) return;
    const Status noted = admissions_.add(relay_);
    if (!noted) {
        context_.log.warning({.message_id = message_id::state_not_saved},
                             "{}; if the relay removes this {}, it will be dialled as before",
                             noted.error().text, name_of(owner_.kind));
    }
}

void Uplink::stop() {
    redial_.disarm();
    better_.disarm();
    approach_.reset();
}

void Uplink::set(const DialSettings& settings) {
    settings_ = settings;
    are_ladders_stale_ = true;
}

void Uplink::dial() {
    endpoint_ = choose();
    if (std::exchange(are_ladders_stale_, false)) ladders_.clear();
    approach(ladder().order(), slot_in_use_);
}

void Uplink::approach(const Roads& roads, std::uint8_t slot) {
    former_.reset();
    Approach::Plan plan{
        .endpoint = endpoint_,
        .roads = roads,
        .settings = settings_,
        .source = source(),
        .introduction = {.name = settings_.name, .slot = slot, .kind = owner_.kind}};
    approach_ = std::make_unique<Approach>(
        context_.loop, context_.random, context_.identity, std::move(plan),
        Approach::Calls{
            .approve = [this](const PublicKey& relay) { return approve(relay); },
            .on_dial =
                [this](RoadKind road) {
                    context_.log.debug({.peer = to_text(endpoint_)}, "dialling, by the road {}",
                                       name_of(road));
                },
            .on_done = [this](Approach::Outcome outcome) { arrived(std::move(outcome)); },
            .resume = owner_.resume});
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
        context_.log.info({.peer = address, .message_id = message_id::relay_key_remembered},
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

void Uplink::arrived(Approach::Outcome outcome) {
    former_ = std::move(approach_);  // It is what calls us.
    if (is_connected_) return rose(std::move(outcome));
    if (std::holds_alternative<Welcome>(outcome.answer)) return welcomed(std::move(outcome));
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) return refused(*refusal);
    failed(std::get<Error>(outcome.answer).text);
}

// Who is new there may be added at any moment, one that was removed hardly so.
void Uplink::refused(const Refusal& refusal) {
    std::string why = fmt::format("the relay refuses us: {}", refusal.text);
    const bool is_for_now = refusal.reason == RefusalReason::Busy;
    if (refusal.reason != RefusalReason::UnknownKey) {
        failed(why);
        if (owner_.on_refused && !is_for_now) owner_.on_refused(why);
        return;
    }
    const bool is_removed = is_admitted_ || admissions_.has(relay_);
    if (is_removed) {
        why += fmt::format("; it had let us in before, so it has removed this {}",
                           name_of(owner_.kind));
    }
    why += "; let us in there with: " + owner_.how_to_let_in;
    if (is_removed) {
        retry(why, yield_.next(), message_id::home_removed);
    } else {
        failed(why);
    }
    if (owner_.on_refused) owner_.on_refused(why);
}

void Uplink::failed(const std::string& why) {
    retry(why, backoff_.next(), message_id::relay_unreachable);
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
