#include "daemon/roles/door_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

constexpr Duration shortage_pause = std::chrono::seconds(10);

}  // namespace

bool StrangerTally::add(std::string_view address, std::string_view why) {
    if (told_ < lines_most) {
        ++told_;
        return true;
    }
    ++untold_;
    ++reasons_[why];
    const std::string_view host = address.substr(0, address.rfind(':'));
    const auto found = hosts_.find(host);
    if (found != hosts_.end()) {
        ++found->second;
    } else if (hosts_.size() < hosts_most) {
        hosts_.emplace(host, 1);
    }
    return false;
}

std::optional<std::string> StrangerTally::take_summary() {
    const auto [told, untold, reasons, hosts] =
        std::tuple{std::exchange(told_, 0), std::exchange(untold_, 0), std::exchange(reasons_, {}),
                   std::exchange(hosts_, {})};
    if (untold == 0) return std::nullopt;
    std::string text = fmt::format("{} more in the last minute", untold);
    const char* separator = ": ";
    for (const auto& [why, count] : reasons) {
        text += fmt::format("{}{} because {}", separator, count, why);
        separator = ", ";
    }
    const auto busiest = std::max_element(
        hosts.begin(), hosts.end(),
        [](const auto& one, const auto& other) { return one.second < other.second; });
    return text + fmt::format("; {} of them from {}", busiest->second, busiest->first);
}

bool FailureTally::add(const std::string& text) {
    const auto found = told_.find(text);
    const bool is_new = found == told_.end();
    const bool may = is_new ? told_.size() < texts_most : found->second < lines_most;
    if (may) {
        ++(is_new ? told_[text] : found->second);
    } else {
        ++untold_;
    }
    return may;
}

std::uint64_t FailureTally::take_untold() {
    told_.clear();
    return std::exchange(untold_, 0);
}

DoorLog::DoorLog(Loop& loop, Log& log) : log_(log), minute_(loop, [this] { tell_rest(); }) {}

void DoorLog::turned_away(const std::string& address, std::string_view why) {
    if (!minute_.is_armed()) minute_.arm(StrangerTally::window);
    if (!strangers_.add(address, why)) return;
    log_.info({.peer = address, .message_id = message_id::stranger_turned_away},
              "turned away a stranger: {}", why);
}

void DoorLog::nobody_enters(const std::string& why) {
    if (shortage_told_ && now() - *shortage_told_ < shortage_pause) return;
    shortage_told_ = now();
    log_.warning({.message_id = message_id::cannot_let_in},
                 "no home can be let in: {}; trying again until one can", why);
}

bool DoorLog::may_tell_refusal(const std::string& address) {
    if (!minute_.is_armed()) minute_.arm(StrangerTally::window);
    return refusals_.add(address, "their keys are not welcome");
}

bool DoorLog::may_tell_hook_failure(const std::string& text) {
    if (!minute_.is_armed()) minute_.arm(StrangerTally::window);
    return hook_failures_.add(text);
}

void DoorLog::tell_rest() {
    if (const auto rest = strangers_.take_summary()) {
        log_.info({.message_id = message_id::stranger_turned_away}, "turned away strangers, {}",
                  *rest);
    }
    if (const auto rest = refusals_.take_summary()) {
        log_.warning({.message_id = message_id::peer_refused}, "refused homes, {}", *rest);
    }
    if (const std::uint64_t more = hook_failures_.take_untold(); more > 0) {
        log_.error({.message_id = message_id::hook_failed},
                   "the accept hook failed {} more times in the last minute; whoever it was asked "
                   "about is refused",
                   more);
    }
}

}  // namespace relay
