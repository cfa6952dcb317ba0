#include "common/protocols/poll_asker.h"

#include <algorithm>

#include "common/protocols/poll_uplink.h"

namespace relay {

namespace {

constexpr std::size_t gets_most = 3;
// Nobody asks for more while so much waits to be consumed.
constexpr std::size_t waiting_most = poll_body_most_bytes;

}  // namespace

std::optional<std::uint64_t> PollAsker::next(std::uint64_t ticket, TimePoint now) {
    if (under_way() >= gets_most) return std::nullopt;
    auto found = std::find_if(numbers_.begin(), numbers_.end(), [&](const auto& each) {
        return !each.second.ticket && each.second.not_before <= now;
    });
    if (found == numbers_.end()) {
        // What fails is found out by few, and not by all at once.
        const bool may_go_on = !end_ && !failing_since_ && ready().size() < waiting_most &&
                               numbers_.size() < gets_most &&
                               next_number_ < done() + poll_numbers_ahead;
        if (!may_go_on) return std::nullopt;
        found = numbers_.emplace(next_number_++, Number{}).first;
    }
    found->second.ticket = ticket;
    return found->first;
}

bool PollAsker::answered(std::uint64_t ticket, const PollAnswer& answer) {
    const auto number = find(ticket);
    if (number == numbers_.end()) return true;
    failing_since_.reset();
    if (!inlet_.store(answer.offset, answer.bytes)) return false;
    if (answer.ended) end_ = answer.offset + answer.bytes.size();
    numbers_.erase(number);
    return true;
}

void PollAsker::failed(std::uint64_t ticket, TimePoint now) {
    const auto number = find(ticket);
    if (number == numbers_.end()) return;
    if (!failing_since_) failing_since_ = now;
    number->second.ticket.reset();
    ++number->second.failures;
    number->second.not_before = now + poll_retry_delay(number->second.failures);
}

std::optional<TimePoint> PollAsker::deadline() const {
    std::optional<TimePoint> next;
    if (under_way() >= gets_most) return next;
    for (const auto& [number, each] : numbers_) {
        if (!each.ticket) next = earlier(next, each.not_before);
    }
    return next;
}

std::map<std::uint64_t, PollAsker::Number>::iterator PollAsker::find(std::uint64_t ticket) {
    return std::find_if(numbers_.begin(), numbers_.end(),
                        [&](const auto& each) { return each.second.ticket == ticket; });
}

std::size_t PollAsker::under_way() const {
    return static_cast<std::size_t>(
        std::count_if(numbers_.begin(), numbers_.end(),
                      [](const auto& each) { return each.second.ticket.has_value(); }));
}

}  // namespace relay
