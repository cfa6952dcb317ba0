#include "daemon/gate/gate_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/base/text.h"
#include "common/control/json.h"
#include "daemon/app/configuration.h"
#include "daemon/gate/gate_view.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr Duration look_after = 20ms;
constexpr const char* never_confirmed =
    "nobody has confirmed the gates that the settings have: they are as before; relayctl gate "
    "apply --confirm 60s tries again";
constexpr double longest_s = 30.0 * 24 * 3600;

Result<Settings> read_settings(const std::string& path) {
    auto settings = load_file(path);
    if (settings) return *std::move(settings);
    return Error{ErrorCode::Malformed, fmt::format("{}", fmt::join(settings.error().lines, "\n"))};
}

Result<Duration> duration_of(double seconds) {
    if (seconds >= 1 && seconds <= longest_s) {
        return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
    }
    return Error{ErrorCode::Malformed, "write a time from 1s to 30d"};
}

template <typename T>
Result<std::string> json_result(const Result<T>& result) {
    if (!result) return result.error();
    return to_json(*result);
}

Result<std::string> json_result(const Status& status) {
    if (!status) return status.error();
    return std::string{"{}"};
}

}  // namespace

GateService::GateService(Loop& loop, Log& log, GateServiceOptions options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      files_(options_.state_dir),
      unconfirmed_(loop, [this] { roll_back(); }),
      look_(loop, [this] { restore_table(); }) {}

GateService::~GateService() = default;

Status GateService::start() {
    if (const auto prepared = files_.prepare(); !prepared) return prepared.error();
    claims_.load();
    const auto begun = begin();
    if (!begun) {
        const auto kept = keeper_.has_table() ? Result<std::vector<Gate>>{gates_} : files_.gates();
        const bool is_closed = keeper_.has_table() || (kept && put(*kept));
        return Error{begun.error().code,
                     begun.error().text + (is_closed ? "\nthe gates are as they were before"
                                                     : "\nno gate is closed")};
    }
    listen_to_kernel();
    const auto settings = read_settings(options_.config);
    auto server = GateServer::open(
        loop_, log_, {options_.control, settings ? settings->control_group : std::string{"relayd"}},
        [this](const ControlRequest& request, const GateAsker& who) {
            return answer(request, who);
        });
    if (!server) return server.error();
    server_ = *std::move(server);
    return Done{};
}

// Who closes himself out by settings that he tries must not be closed out by a restart, or a boot.
Status GateService::begin() {
    if (!files_.is_unconfirmed()) {
        const auto applied = apply({});
        if (!applied) return applied.error();
        return Done{};
    }
    auto confirmed = files_.gates();
    if (!confirmed) return Error{ErrorCode::Malformed, confirmed.error().text};
    if (const auto done = put(*confirmed); !done) return done;
    gates_ = *std::move(confirmed);
    problem_ = never_confirmed;
    log_.warning({.message_id = message_id::gates_rolled_back}, "{}", never_confirmed);
    return Done{};
}

Status GateService::put(const std::vector<Gate>& gates) {
    return keeper_.apply(with_claims(gates, claims_.all()), gates.size());
}

void GateService::keep_confirmed() {
    const auto kept = files_.keep(gates_);
    if (kept) return files_.set_confirmed();
    log_.warning({.message_id = message_id::gates_not_remembered},
                 "after a boot with wrong settings the gates would be open: {}", kept.error().text);
}

void GateService::end() {
    if (before_) roll_back();
}

void GateService::listen_to_kernel() {
    if (keeper_.tells_knocks()) {
        auto notes = KnockNotes::open(loop_, [this](const Knock& knock) { knocked(knock); });
        if (notes) {
            notes_ = *std::move(notes);
        } else {
            log_.info({}, "the kernel will not tell who knocks: {}", notes.error().text);
        }
    }
    auto changes = RuleChanges::open(loop_, [this] { look_.arm(look_after); });
    if (changes) {
        changes_ = *std::move(changes);
    } else {
        log_.info({}, "the kernel will not tell if somebody takes the gates away: {}",
                  changes.error().text);
    }
}

Result<ReloadSnapshot> GateService::apply(const ApplyGates& how) {
    if (before_) {
        return Error{ErrorCode::Refused,
                     "the gates before this wait to be confirmed: relayctl gate confirm"};
    }
    const auto patience =
        how.confirm_s ? duration_of(*how.confirm_s) : Result<Duration>{Duration{}};
    if (!patience) return patience.error();
    const auto settings = read_settings(options_.config);
    if (!settings) {
        problem_ = settings.error().text;
        return settings.error();
    }
    auto gates = gates_of(*settings);
    const auto changes = changes_between(gates_, gates);
    const bool was_unconfirmed = files_.is_unconfirmed();
    if (how.confirm_s) {
        // Before anything closes.
        if (const auto noted = files_.set_unconfirmed(); !noted) return noted.error();
    }
    const auto done = put(gates);
    if (!done) {
        if (!was_unconfirmed) files_.set_confirmed();
        problem_ = done.error().text;
        return done.error();
    }
    problem_.clear();
    auto before = std::exchange(gates_, std::move(gates));
    log_.info({.message_id = message_id::gates_applied}, "{} gates are closed, {} changes",
              gates_.size(), changes.size());
    if (how.confirm_s) {
        before_ = std::move(before);
        unconfirmed_.arm(*patience);
    } else {
        keep_confirmed();
    }
    return ReloadSnapshot{changes, {}};
}

Status GateService::confirm() {
    if (!before_) return Error{ErrorCode::NotFound, "nothing waits to be confirmed"};
    if (const auto kept = files_.keep(gates_); !kept) return kept;
    files_.set_confirmed();
    before_.reset();
    unconfirmed_.disarm();
    return Done{};
}

void GateService::roll_back() {
    unconfirmed_.disarm();
    auto before = std::move(before_);
    before_.reset();
    if (!before) return;
    const auto done = put(*before);
    gates_ = *std::move(before);
    problem_ = never_confirmed;
    log_.warning({.message_id = message_id::gates_rolled_back},
                 "nobody has confirmed the gates in time: {}",
                 done ? "they are as before" : done.error().text);
}

Result<ClaimedPlaces> GateService::claim(const ClaimPlaces& request, uid_t asker) {
    auto judged = claims_.judge(request, gates_, asker);
    if (!judged) return judged.error();
    ClaimedPlaces answer{std::move(judged->refused), {}, {}};
    const auto former = claims_.all();
    if (judged->claims != former) {
        if (const auto kept = claims_.set(std::move(judged->claims)); !kept) return kept.error();
        if (const auto done = put(gates_); !done) {
            (void)claims_.set(former);  // Else more is closed after a restart.
            return done.error();
        }
        log_.info({}, "{} places are behind gates beside those of the settings",
                  claims_.all().size());
    }
    for (const auto& gate : gates_) answer.gates.push_back(gate.name);
    answer.problem = problem();
    return answer;
}

std::string GateService::problem() const {
    if (!problem_.empty()) return problem_;
    for (const auto& [gate, place] : claims_.all()) {
        if (gate_named(gate) != nullptr) continue;
        return fmt::format(
            "there is no gate {} any more: the forwards behind it are closed to "
            "everybody",
            gate);
    }
    return {};
}

const Gate* GateService::gate_named(const std::string& name) const {
    const auto found = std::ranges::find(gates_, name, &Gate::name);
    return found == gates_.end() ? nullptr : &*found;
}

Result<std::string> GateService::answer(const ControlRequest& request, const GateAsker& who) {
    const auto with = [&]<typename Request>(auto act) -> Result<std::string> {
        const auto asked = from_json<Request>(request.with);
        if (!asked) return asked.error();
        return json_result(act(*asked));
    };
    if (request.method == "gates.list") return json_result(list());
    if (request.method == "gates.open") {
        return with.operator()<OpenGate>(
            [&](const OpenGate& asked) { return open(asked, who.name); });
    }
    if (request.method == "gates.close") {
        return with.operator()<CloseGate>(
            [&](const CloseGate& asked) { return close(asked, who.name); });
    }
    if (request.method == "gates.apply") {
        return with.operator()<ApplyGates>([&](const ApplyGates& asked) { return apply(asked); });
    }
    if (request.method == "gates.claim") {
        return with.operator()<ClaimPlaces>(
            [&](const ClaimPlaces& asked) { return claim(asked, who.uid); });
    }
    if (request.method == "gates.confirm") return json_result(confirm());
    return Error{ErrorCode::Unsupported,
                 "no method " + request.method + "; this is relayd-gate " RELAYD_VERSION};
}

Result<GateList> GateService::list() {
    const auto states = keeper_.states();
    if (!states) return states.error();
    return gate_list(keeper_.gates(), *states, problem());
}

Status GateService::open(const OpenGate& request, const std::string& who) {
    const auto* gate = gate_named(request.gate);
    if (gate == nullptr) return Error{ErrorCode::NotFound, "no gate " + request.gate};
    const auto address = parse_ip_address(request.address);
    if (!address) return address.error();
    const auto left = request.for_s ? duration_of(*request.for_s) : gate->settings.open_for;
    if (!left) return left.error();
    const bool is_knock = request.by == "knock";
    const auto done =
        keeper_.open(request.gate, {*address, is_knock ? Pass::Knocked : Pass::Operator, *left});
    if (!done) return done.error();
    log_.info({.peer = to_text(*address), .message_id = message_id::gate_opened},
              "gate {} is open for {} for {}, by {}", request.gate, to_text(*address),
              duration_text(*left), is_knock ? "a signed knock" : who);
    if (is_knock) tell_hooks({request.gate, *address, true});
    return Done{};
}

Status GateService::close(const CloseGate& request, const std::string& who) {
    if (gate_named(request.gate) == nullptr) {
        return Error{ErrorCode::NotFound, "no gate " + request.gate};
    }
    const auto address = parse_ip_address(request.address);
    if (!address) return address.error();
    const auto states = keeper_.states();
    if (!states) return states.error();
    const auto state = states->find(request.gate);
    const bool is_open =
        state != states->end() && std::ranges::any_of(state->second.open, [&](const OpenFor& whom) {
            return whom.address == *address;
        });
    if (!is_open) {
        return Error{ErrorCode::NotFound,
                     "gate " + request.gate + " is not open for " + to_text(*address)};
    }
    const auto done = keeper_.close(request.gate, *address);
    if (!done) return done.error();
    log_.info({.peer = to_text(*address), .message_id = message_id::gate_closed},
              "gate {} is closed for {}, by {}", request.gate, to_text(*address), who);
    tell_hooks({request.gate, *address, false});
    return Done{};
}

void GateService::knocked(const Knock& knock) {
    const auto& [gate, has_opened] = knock.note;
    log_.info({.peer = to_text(knock.from),
               .message_id = has_opened ? message_id::gate_opened : message_id::gate_closed},
              "gate {} is {} for {}, by its sequence", gate, has_opened ? "open" : "closed",
              to_text(knock.from));
    tell_hooks({gate, knock.from, has_opened});
}

// Commands are not ours to run: this process has a right, and nothing in it starts another.
void GateService::tell_hooks(const HookNews& news) {
    const auto* gate = gate_named(news.gate);
    if (gate == nullptr || !has_hooks(gate->settings)) return;
    const auto told = HookBell{options_.hooks}.ring(news);
    if (told) return;
    log_.warning({.peer = to_text(news.from), .message_id = message_id::gate_commands_not_told},
                 "the command of gate {} is not run for {}: {}", news.gate, to_text(news.from),
                 told.error().text);
}

// `nft flush ruleset`, as a reload of nftables.service begins, takes our table too.
void GateService::restore_table() {
    if (!keeper_.is_gone()) return;
    const auto done = keeper_.apply_again();
    log_.warning({.message_id = message_id::gates_taken_away},
                 "somebody has taken the rules of the gates away: {}",
                 done ? "they are back" : done.error().text);
}

}  // namespace relay
