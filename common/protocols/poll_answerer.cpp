#include "common/protocols/poll_answerer.h"

#include <algorithm>

#include "common/base/check.h"

namespace relay {

void PollAnswerer::say(ExchangeId exchange, const PollAnswer& answer) {
    answers_.push_back({exchange, poll_answer(answer)});
}

std::optional<PollAnswerer::Answer> PollAnswerer::next_answer() {
    if (answers_.empty()) return std::nullopt;
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
}

void PollAnswerer::opened(ExchangeId exchange) {
    say(exchange, {.kind = PollAnswer::Kind::Opened, .body_most = poll_body_most_bytes});
}

void PollAnswerer::up(ExchangeId exchange, std::uint64_t offset, Bytes body, std::uint64_t done,
                      TimePoint now) {
    advance(done);
    if (!inlet_.store(offset, body)) return say(exchange, {.kind = PollAnswer::Kind::Gone});
    posts_.push_back({exchange, offset + body.size(), now + poll_hold});
    finish_posts();
}

void PollAnswerer::consume(std::size_t size) {
    inlet_.consume(size);
    finish_posts();
}

void PollAnswerer::finish_posts() {
    std::erase_if(posts_, [&](const WaitingPost& post) {
        if (post.end > inlet_.consumed()) return false;
        say(post.exchange, {.kind = PollAnswer::Kind::Taken, .offset = inlet_.consumed()});
        return true;
    });
}

void PollAnswerer::down(ExchangeId exchange, std::uint64_t number, std::uint64_t done,
                        TimePoint now) {
    advance(done);
    if (number < done_) return give(exchange, {buffer_.begin(), buffer_.begin()});
    if (number - done_ >= poll_numbers_ahead) {
        return say(exchange, {.kind = PollAnswer::Kind::Gone});
    }
    if (const auto known = given_.find(number); known != given_.end()) {
        return give(exchange, known->second);
    }
    gets_.emplace(number, WaitingGet{exchange, now + poll_hold});
    serve();
}

// Whoever asked for that number, since nobody knows whose answer will arrive.
void PollAnswerer::give_all(std::uint64_t number, const Range& range) {
    const auto [first, last] = gets_.equal_range(number);
    for (auto get = first; get != last; ++get) give(get->second.exchange, range);
    gets_.erase(first, last);
}

void PollAnswerer::advance(std::uint64_t done) {
    if (done <= done_ || done - done_ > poll_numbers_ahead) return;
    done_ = done;
    while (!gets_.empty() && gets_.begin()->first < done_) {
        give_all(gets_.begin()->first, {buffer_.begin(), buffer_.begin()});
    }
    given_.erase(given_.begin(), given_.lower_bound(done_));
    std::uint64_t needed = assigned_;
    for (const auto& [number, range] : given_) needed = std::min(needed, range.begin);
    buffer_.drop_before(needed);
}

void PollAnswerer::write(Bytes bytes) {
    check(bytes.size() <= room() && !has_ended_);
    buffer_.append(bytes);
    serve();
}

void PollAnswerer::end() {
    has_ended_ = true;
    serve();
}

void PollAnswerer::serve() {
    while (!gets_.empty() && (assigned_ < buffer_.end() || has_ended_)) {
        const std::uint64_t number = gets_.begin()->first;
        const auto size = std::min<std::uint64_t>(buffer_.end() - assigned_, poll_body_most_bytes);
        const Range range{assigned_, assigned_ + size};
        assigned_ = range.end;
        given_.emplace(number, range);
        give_all(number, range);
    }
    // One that comes so late waits for no more: until it is done, what those after it got fills the
    // window, and there may never be more.
    while (!gets_.empty() && !given_.empty() && gets_.begin()->first < given_.rbegin()->first) {
        const std::uint64_t number = gets_.begin()->first;
        given_.emplace(number, Range{assigned_, assigned_});
        give_all(number, {assigned_, assigned_});
    }
}

void PollAnswerer::give(ExchangeId exchange, const Range& range) {
    const bool is_end = has_ended_ && range.end == buffer_.end();
    const auto begin = std::max(range.begin, buffer_.begin());
    const auto size = static_cast<std::size_t>(range.end - std::min(range.end, begin));
    const Bytes bytes = size == 0 ? Bytes{} : buffer_.view(begin, size);
    say(exchange, {.kind = PollAnswer::Kind::Piece,
                   .offset = size == 0 ? range.end : begin,
                   .ended = is_end,
                   .bytes = bytes});
}

void PollAnswerer::gone(ExchangeId exchange) {
    std::erase_if(posts_, [&](const WaitingPost& post) { return post.exchange == exchange; });
    std::erase_if(gets_, [&](const auto& get) { return get.second.exchange == exchange; });
    std::erase_if(answers_, [&](const Answer& answer) { return answer.exchange == exchange; });
}

std::optional<TimePoint> PollAnswerer::deadline() const {
    std::optional<TimePoint> next;
    for (const WaitingPost& post : posts_) next = earlier(next, post.until);
    for (const auto& [number, get] : gets_) next = earlier(next, get.until);
    return next;
}

void PollAnswerer::deadline_reached(TimePoint now) {
    std::erase_if(posts_, [&](const WaitingPost& post) {
        if (post.until > now) return false;
        say(post.exchange, {.kind = PollAnswer::Kind::Taken, .offset = inlet_.consumed()});
        return true;
    });
    for (auto get = gets_.begin(); get != gets_.end();) {
        const std::uint64_t number = get->first;
        const bool is_late = get->second.until <= now;
        ++get;
        if (!is_late) continue;
        given_.emplace(number, Range{assigned_, assigned_});
        give_all(number, {assigned_, assigned_});
        get = gets_.upper_bound(number);
    }
}

}  // namespace relay
