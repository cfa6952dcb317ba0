#include "daemon/roles/approach.h"

#include "daemon/carriers/proxy_choice.h"
#include "daemon/identity/own_knock.h"
#include "daemon/io/system_clock.h"

namespace relay {

namespace {

bool is_upgrade(const Endpoint& endpoint) {
    return endpoint.kind == CarrierKind::Wss || endpoint.kind == CarrierKind::Ws;
}

DialOptions options_by(RoadKind road, DialOptions options) {
    if (first_hop_of(road) == FirstHop::Relay) options.proxy = "direct";
    return options;
}

}  // namespace

Roads roads_to(const Endpoint& endpoint, const DialSettings& settings) {
    if (settings.roads.carrier != CarrierChoice::Auto || !is_upgrade(endpoint)) {
        return {RoadKind::Written};
    }
    // Named in the settings, a proxy is the only way out.
    if (settings.proxy == "none") return roads_by({.relay = true, .proxy = false});
    if (!settings.proxy.empty()) return roads_by({.relay = false, .proxy = true});
    const bool has_proxy = !environment_proxy(endpoint.kind == CarrierKind::Wss).empty() &&
                           !is_excepted_from_proxy(endpoint.host);
    return roads_by({.relay = true, .proxy = has_proxy});
}

struct Approach::Runner {
    std::unique_ptr<Dialer> dialer;
    std::unique_ptr<Carrier> carrier;  // Waits for its turn.
    std::unique_ptr<HomeHandshaker> handshaker;
    bool is_wrong_relay = false;
};

Approach::Approach(Loop& loop, Random& random, const Identity& identity, Plan plan, Calls calls)
    : loop_(loop),
      random_(random),
      identity_(identity),
      plan_(std::move(plan)),
      calls_(std::move(calls)),
      race_(plan_.roads, plan_.settings.roads.patience),
      timer_(loop, [this] { go_on(); }),
      soon_(loop, [this] { go_on(); }) {
    go_on();
}

Approach::~Approach() = default;

void Approach::go_on() {
    if (is_over_) return;
    former_.clear();
    for (const auto& [road, runner] : runners_) {
        if (runner->dialer && runner->dialer->has_touched()) race_.touched(road);
    }
    while (const auto step = race_.next(now())) {
        switch (step->kind) {
            case RoadRace::Step::Kind::Dial: dial(step->road); break;
            case RoadRace::Step::Kind::Introduce: introduce(step->road); break;
            case RoadRace::Step::Kind::Drop:
                failures_.push_back(to_text(endpoint_by(step->road)) + ": silence, once connected");
                runners_.erase(step->road);
                break;
        }
    }
    if (const auto deadline = race_.deadline()) {
        timer_.arm_at(*deadline);
    } else {
        timer_.disarm();
    }
}

// What a road makes of an endpoint that is written as wss:// or ws://.
Endpoint Approach::endpoint_by(RoadKind road) const {
    Endpoint endpoint = plan_.endpoint;
    const bool is_pinned = road == RoadKind::Written && is_upgrade(endpoint) &&
                           plan_.settings.roads.carrier == CarrierChoice::Poll;
    if (!is_poll(road) && !is_pinned) return endpoint;
    endpoint.is_plain = endpoint.kind == CarrierKind::Ws;
    endpoint.kind = CarrierKind::Poll;
    return endpoint;
}

void Approach::dial(RoadKind road) {
    auto& runner = runners_[road];
    runner = std::make_unique<Runner>();
    if (calls_.on_dial) calls_.on_dial(road);
    runner->dialer = std::make_unique<Dialer>(
        loop_, random_, endpoint_by(road),
        options_by(road, dial_options(plan_.settings, plan_.source,
                                      [this] { return own_knock(identity_, random_); })),
        [this, road](auto carrier) { dialled(road, std::move(carrier)); });
}

void Approach::dialled(RoadKind road, Result<std::unique_ptr<Carrier>> carrier) {
    Runner& runner = *runners_.at(road);
    const bool was_touched = runner.dialer->has_touched();
    runner.dialer.reset();
    if (!carrier) {
        return failed(road, was_touched ? RoadRace::Failure::Blocked : RoadRace::Failure::Unreached,
                      carrier.error());
    }
    runner.carrier = std::move(*carrier);
    race_.reached(road, now());
    go_on();
}

void Approach::introduce(RoadKind road) {
    Runner& runner = *runners_.at(road);
    HomeHandshaker::Options options = plan_.introduction;
    if (calls_.resume) options.resume = calls_.resume();
    runner.handshaker = std::make_unique<HomeHandshaker>(
        loop_, identity_, random_, std::move(runner.carrier), options,
        [this, &runner](const PublicKey& relay) {
            Status status = calls_.approve(relay);
            runner.is_wrong_relay = !status;
            return status;
        },
        [this, road](HomeHandshaker::Outcome outcome) { introduced(road, std::move(outcome)); });
    runner.handshaker->start();
}

void Approach::introduced(RoadKind road, HomeHandshaker::Outcome outcome) {
    if (const auto* error = std::get_if<Error>(&outcome.answer)) {
        const bool is_final = runners_.at(road)->is_wrong_relay;
        return failed(road, is_final ? RoadRace::Failure::Final : RoadRace::Failure::Blocked,
                      *error);
    }
    const auto* refusal = std::get_if<Refusal>(&outcome.answer);
    if (refusal != nullptr && refusal->reason == RefusalReason::NotBound) {
        return failed(road, RoadRace::Failure::Blocked, Error{ErrorCode::Refused, refusal->text});
    }
    former_.push_back(std::move(runners_.extract(road).mapped()));  // It is what calls us.
    finish({std::move(outcome.port), std::move(outcome.answer), road, std::move(failures_)});
}

void Approach::failed(RoadKind road, RoadRace::Failure failure, const Error& why) {
    auto node = runners_.extract(road);
    former_.push_back(std::move(node.mapped()));  // It may be what calls us.
    if (failure == RoadRace::Failure::Final) failures_.clear();
    failures_.push_back(why.text);
    last_failure_ = why;
    race_.failed(road, failure, now());
    if (race_.is_lost()) return finish({nullptr, all_failures(), road, {}});
    soon_.schedule();
}

// Each in its words; two roads may say the same.
Error Approach::all_failures() const {
    std::string text;
    for (const std::string& each : failures_) {
        if (text.find(each) != std::string::npos) continue;
        text += (text.empty() ? "" : "; ") + each;
    }
    return Error{last_failure_->code, std::move(text)};
}

void Approach::finish(Outcome outcome) {
    is_over_ = true;
    timer_.disarm();
    runners_.clear();
    calls_.on_done(std::move(outcome));
}

}  // namespace relay
