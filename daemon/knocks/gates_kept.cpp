#include "daemon/knocks/gates_kept.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/control/json.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

constexpr Duration look_interval = std::chrono::seconds{5};
constexpr Duration retry_interval = std::chrono::seconds{1};
constexpr unsigned failures_to_tell = 3;  // relayd-gate may be restarting.

GatedPlace place_of(const HostPort& listen) {
    const bool is_any = listen.host == "0.0.0.0" || listen.host == "::";
    return {is_any ? "" : listen.host, {{listen.port, listen.port}, Transport::Tcp}};
}

bool contains(const GateClaim& outer, const GateClaim& inner) {
    return outer.gate == inner.gate && outer.place.address == inner.place.address &&
           outer.place.ports.ports.contains(inner.place.ports.ports.first);
}

}  // namespace

bool can_be_gated(const HostPort& listen) {
    const auto address = parse_ip_address(listen.host);
    return address && !address->is_loopback();
}

class GatesKept::Hold final : public GateHold {
public:
    Hold(GatesKept& owner, Number number, GateClaim claim, std::function<void()> on_change)
        : owner_(owner),
          number_(number),
          claim_(std::move(claim)),
          on_change_(std::move(on_change)) {
        owner_.holds_.emplace(number_, this);
    }
    ~Hold() override {
        owner_.holds_.erase(number_);
        owner_.soon_.schedule();
    }

    bool is_in_force() const override { return is_in_force_; }
    bool is_refused() const override { return is_refused_; }
    const std::string& fault() const override { return fault_; }
    const GateClaim& claim() const { return claim_; }

    enum class State { InForce, Refused, Unknown };
    // May end it.
    void set(State state, const std::string& fault) {
        const bool is_in_force = state == State::InForce, is_refused = state == State::Refused;
        if (is_in_force == is_in_force_ && is_refused == is_refused_ && fault == fault_) return;
        is_in_force_ = is_in_force;
        is_refused_ = is_refused;
        fault_ = fault;
        const auto on_change = on_change_;
        on_change();
    }

private:
    GatesKept& owner_;
    const Number number_;
    const GateClaim claim_;
    std::function<void()> on_change_;
    bool is_in_force_ = false;
    bool is_refused_ = false;
    std::string fault_;
};

GatesKept::GatesKept(Loop& loop, Log& log, std::string socket)
    : loop_(loop),
      log_(log),
      socket_(std::move(socket)),
      soon_(loop, [this] { ask(); }),
      over_(loop, [this] { ended(); }),
      look_(loop, [this] { ask(); }) {}

GatesKept::~GatesKept() = default;

void GatesKept::apply(const Settings& settings) {
    gates_.clear();
    for (const auto& [name, gate] : settings.gates) gates_.insert(name);
    if (has_gates()) return soon_.schedule();
    look_.disarm();
    said_.clear();
}

std::unique_ptr<GateHold> GatesKept::hold(const std::string& gate, const HostPort& listen,
                                          std::function<void()> on_change) {
    soon_.schedule();
    return std::make_unique<Hold>(*this, ++last_, GateClaim{gate, place_of(listen)},
                                  std::move(on_change));
}

void GatesKept::when_answered(std::function<void()> done) {
    waiting_.push_back(std::move(done));
    soon_.schedule();
}

// What is in force stands apart from what is new, so that a refusal of the one never touches the
// other.
ClaimPlaces GatesKept::places_to_ask() {
    ClaimPlaces request;
    asked_.clear();
    for (const bool is_in_force : {true, false}) {
        std::vector<GateClaim> claims;
        for (const auto& [number, hold] : holds_) {
            if (hold->is_in_force() == is_in_force) claims.push_back(hold->claim());
        }
        claims = merged(std::move(claims));
        const auto before = request.places.size();
        for (const auto& [gate, place] : claims) {
            if (request.places.size() == max_claimed_places) break;
            request.places.push_back({gate, place.address, to_text(place.ports.ports)});
        }
        for (const auto& [number, hold] : holds_) {
            if (hold->is_in_force() != is_in_force) continue;
            const auto found = std::ranges::find_if(
                claims, [&](const GateClaim& each) { return contains(each, hold->claim()); });
            asked_[number] = before + static_cast<std::size_t>(found - claims.begin());
        }
    }
    return request;
}

void GatesKept::ask() {
    if (line_) return;  // The next one follows it.
    if (!has_gates() && waiting_.empty() && asked_.empty()) return look_.disarm();
    waiting_for_this_ = std::exchange(waiting_, {});
    has_failed_ = false;
    const std::vector<GateRequest> requests{{"gates.claim", to_json(places_to_ask())}};
    line_ = GateLine::ask(loop_, socket_, requests,
                          {.on_answer = [this](const std::string& json) { answered(json); },
                           .on_fault = [this](const std::string& text) { failed(text); },
                           .on_end = [this] { over_.schedule(); }});
    if (!line_) over_.schedule();
}

void GatesKept::answered(const std::string& json) {
    const auto answer = from_json<ClaimedPlaces>(json);
    if (!answer) return failed(answer.error().text);
    std::map<std::size_t, std::string> refused;
    for (const auto& each : answer->refused) refused.emplace(each.index, each.why);
    const auto asked = asked_;
    for (const auto& [number, index] : asked) {
        const auto hold = holds_.find(number);
        if (hold == holds_.end()) continue;
        const auto why = refused.find(index);
        if (index >= max_claimed_places) {
            hold->second->set(
                Hold::State::Refused,
                fmt::format("more than {} places are behind gates", max_claimed_places));
        } else if (why != refused.end()) {
            hold->second->set(Hold::State::Refused, why->second);
        } else {
            hold->second->set(Hold::State::InForce, {});
        }
    }
    say(what_is_wrong(*answer));
}

// What is in force stays so: the kernel keeps it, whether relayd-gate runs or not.
void GatesKept::failed(const std::string& text) {
    has_failed_ = true;
    const auto asked = asked_;
    for (const auto& [number, index] : asked) {
        const auto hold = holds_.find(number);
        if (hold == holds_.end() || hold->second->is_in_force()) continue;
        hold->second->set(Hold::State::Unknown, text);
    }
    if (++failures_ < failures_to_tell || !has_gates()) return;
    say(
        fmt::format("there are gates, and nobody keeps them, so that what they close may be open: "
                    "{}; systemctl enable --now relayd-gate",
                    text));
}

void GatesKept::ended() {
    line_.reset();
    if (!has_failed_) failures_ = 0;
    for (const auto& done : std::exchange(waiting_for_this_, {})) done();
    if (!waiting_.empty()) return soon_.schedule();
    const bool is_new =
        std::ranges::any_of(holds_, [&](const auto& each) { return !asked_.contains(each.first); });
    const bool is_less =
        std::ranges::any_of(asked_, [&](const auto& each) { return !holds_.contains(each.first); });
    if (has_failed_) return look_.arm(retry_interval);
    if (is_new || is_less) return soon_.schedule();
    if (has_gates()) look_.arm(look_interval);
}

std::string GatesKept::what_is_wrong(const ClaimedPlaces& answer) const {
    if (!answer.problem.empty()) {
        return "the gates are not as the settings say: " + answer.problem;
    }
    for (const auto& gate : gates_) {
        if (std::ranges::find(answer.gates, gate) != answer.gates.end()) continue;
        return fmt::format("the gate {} of the settings is not closed: relayctl gate apply", gate);
    }
    return {};
}

void GatesKept::say(const std::string& problem) {
    if (problem == said_) return;
    if (problem.empty()) {
        log_.info({.message_id = message_id::gates_kept}, "the gates are kept again");
    } else {
        log_.warning({.message_id = message_id::gates_not_kept}, "{}", problem);
    }
    said_ = problem;
}

}  // namespace relay
