#include "daemon/roles/accept_hook.h"

#include <utility>

#include "common/control/json.h"
#include "common/settings/forward.h"

namespace relay {

namespace {

constexpr std::size_t waiting_for_each = 4;
constexpr std::size_t reason_most_bytes = 256;
constexpr std::size_t forwards_most = 16;

AcceptHookRunner::Verdict fault(std::string text) {
    return {.allowed = false, .busy = false, .reason = {}, .fault = std::move(text)};
}

}  // namespace

AcceptHookRunner::Verdict verdict_of(const std::string& output, bool is_home) {
    const auto answer = from_json<AcceptAnswer>(output);
    if (!answer) return fault("its answer is not understood: " + answer.error().text);
    if (!answer->allow) return fault("its answer has no \"allow\"");
    if (answer->reason.size() > reason_most_bytes) return fault("its reason is too long");
    AcceptHookRunner::Verdict verdict;
    verdict.allowed = *answer->allow;
    verdict.reason = answer->reason;
    if (!is_home && !answer->forwards.empty()) return fault("it names forwards of a visitor");
    for (const InvitedForward& wanted : answer->forwards) {
        const auto forwards = parse_forward(wanted.listen, wanted.to);
        if (!forwards) return fault("its forward " + wanted.listen + ": " + forwards.error().text);
        verdict.forwards.insert(verdict.forwards.end(), forwards->begin(), forwards->end());
        if (verdict.forwards.size() > forwards_most) return fault("it names too many forwards");
    }
    return verdict;
}

AcceptHookRunner::AcceptHookRunner(Loop& loop)
    : loop_(loop), sweep_(loop, [this] { done_.clear(); }) {}

void AcceptHookRunner::ask(const AcceptFacts& facts, StillWaits still_waits, OnVerdict on_verdict) {
    std::erase_if(waiting_, [](const Question& each) { return !each.still_waits(); });
    if (waiting_.size() >= waiting_for_each * settings_.at_once) {
        return on_verdict({.allowed = false, .busy = true, .reason = "too many are asked about"});
    }
    waiting_.push_back({facts, std::move(still_waits), std::move(on_verdict), nullptr});
    start_next();
}

void AcceptHookRunner::stop() {
    waiting_.clear();
    running_.clear();
}

void AcceptHookRunner::start_next() {
    while (!waiting_.empty() && running_.size() < settings_.at_once) {
        Question next = std::move(waiting_.front());
        waiting_.pop_front();
        if (!next.still_waits()) continue;
        running_.push_back(std::move(next));
        const Running question = std::prev(running_.end());
        ChildProcess::Options options;
        options.program = settings_.program;
        options.user = settings_.user;
        options.timeout = settings_.timeout;
        options.input = to_json(question->facts) + "\n";
        question->process = std::make_unique<ChildProcess>(
            loop_, options, [this, question](Result<std::string> output) {
                answered(question, std::move(output));
            });
    }
}

void AcceptHookRunner::answered(Running question, Result<std::string> output) {
    done_.splice(done_.end(), running_, question);
    sweep_.schedule();
    const bool is_home = question->facts.kind == "home";
    const OnVerdict on_verdict = std::move(question->on_verdict);
    on_verdict(output ? verdict_of(*output, is_home) : fault(output.error().text));
    start_next();
}

}  // namespace relay
