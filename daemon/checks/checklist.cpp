#include "daemon/checks/checklist.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace relay {

CheckSnapshot& Checklist::add(std::string_view hop, std::string_view state, std::string text) {
    CheckSnapshot check;
    check.hop = hop;
    check.state = state;
    check.subject = subject_;
    check.text = std::move(text);
    return checks_.emplace_back(std::move(check));
}

void Checklist::ok(std::string_view hop, std::string text, std::optional<Duration> took) {
    auto& check = add(hop, "ok", std::move(text));
    if (took) check.ms = std::chrono::duration<double, std::milli>(*took).count();
}

void Checklist::warning(std::string_view hop, std::string text, std::string advice) {
    add(hop, "warning", std::move(text)).advice = std::move(advice);
}

void Checklist::broken(std::string_view hop, std::string text, std::string advice) {
    if (broken_hop_.empty()) broken_hop_ = hop;
    add(hop, "broken", std::move(text)).advice = std::move(advice);
}

void Checklist::skipped(std::initializer_list<std::string_view> hops) {
    for (const auto hop : hops) skipped(hop, "not tried, because of " + broken_hop_);
}

void Checklist::skipped(std::string_view hop, std::string text) {
    add(hop, "skipped", std::move(text));
}

void Checklist::append(std::vector<CheckSnapshot> checks) {
    for (const auto& check : checks) {
        if (check.state == "broken" && broken_hop_.empty()) broken_hop_ = check.hop;
    }
    std::ranges::move(checks, std::back_inserter(checks_));
}

bool has_broken(const std::vector<CheckSnapshot>& checks) {
    return std::ranges::any_of(checks, [](const auto& check) { return check.state == "broken"; });
}

}  // namespace relay
