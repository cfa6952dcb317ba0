// Both ends of a tunnel over HTTP that loses, doubles, delays and refuses: seeded, so that a
// failure can be seen again.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "common/protocols/poll_answerer.h"
#include "common/protocols/poll_asker.h"
#include "common/protocols/poll_uplink.h"

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t bytes_each_way = 1'000'000;

std::uint8_t byte_at(std::uint64_t at) {
    return static_cast<std::uint8_t>(at * 7 + (at >> 8) * 13 + (at >> 16));
}

class World {
public:
    explicit World(std::uint32_t seed) : random_(seed) {
        loss_ = chance(2) ? 0 : below(30);
        doubling_ = chance(2) ? 0 : below(30);
        longest_ms_ = 1 + below(200);
        body_limit_ = chance(3) ? poll_body_least_bytes + below(64 * 1024) : 1 << 20;
    }

    bool run() {
        for (std::uint64_t steps = 0; !is_done(); ++steps) {
            if (steps > 200'000) return false;
            feed();
            start_calls();
            if (!take_event()) return false;
            take_out();
        }
        return true;
    }

private:
    struct Call {
        std::uint64_t ticket;
        bool is_post;
        std::uint64_t at;
        std::uint64_t done;
        ByteVector body;
    };
    struct Event {
        enum class Kind { Arrives, Answered, Fails } kind;
        Call call;
        ByteVector answer = {};
        PollFailure failure = PollFailure::Cut;
    };

    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(random_()) % limit;
    }
    bool chance(std::uint32_t one_in) { return below(one_in) == 0; }
    bool percent(std::uint32_t limit) { return below(100) < limit; }
    void later(Event event) {
        events_.emplace(now_ + 1ms * (1 + below(longest_ms_)), std::move(event));
    }

    bool is_done() const {
        return up_taken_ == bytes_each_way && down_taken_ == bytes_each_way && asker_.is_over();
    }

    void feed() {
        for (ByteVector chunk; up_written_ < bytes_each_way; chunk.clear()) {
            const auto size = std::min<std::uint64_t>(
                {uplink_.room(), bytes_each_way - up_written_, 1 + below(40'000)});
            if (size == 0) break;
            for (std::uint64_t i = 0; i < size; ++i) chunk.push_back(byte_at(up_written_ + i));
            uplink_.write(chunk);
            up_written_ += size;
            if (chance(2)) break;
        }
        if (down_written_ == bytes_each_way) return;
        const auto size = std::min<std::uint64_t>(
            {relay_.room(), bytes_each_way - down_written_, 1 + below(40'000)});
        ByteVector chunk;
        for (std::uint64_t i = 0; i < size; ++i) chunk.push_back(byte_at(down_written_ + i));
        if (size > 0) relay_.write(chunk);
        down_written_ += size;
        if (down_written_ == bytes_each_way) relay_.end();
    }

    void start_calls() {
        while (const auto post = uplink_.next(ticket_, now_)) {
            send({ticket_++, true, post->offset, asker_.done(), vector_of(post->body)});
        }
        while (const auto number = asker_.next(ticket_, now_)) {
            send({ticket_++, false, *number, asker_.done(), {}});
        }
    }

    void send(Call call) {
        if (call.body.size() > body_limit_) {
            return later({.kind = Event::Kind::Fails,
                          .call = std::move(call),
                          .failure = PollFailure::TooLarge});
        }
        if (percent(doubling_)) later({.kind = Event::Kind::Arrives, .call = call});
        if (percent(loss_)) {
            const auto kinds = {PollFailure::Cut, PollFailure::Unreachable, PollFailure::Answer};
            return later({.kind = Event::Kind::Fails,
                          .call = std::move(call),
                          .failure = kinds.begin()[below(3)]});
        }
        later({.kind = Event::Kind::Arrives, .call = std::move(call)});
    }

    bool take_event() {
        send_answers();
        auto next = earlier(uplink_.deadline(), asker_.deadline());
        next = earlier(next, relay_.deadline());
        if (!events_.empty()) next = earlier(next, events_.begin()->first);
        const bool is_full = !relay_.ready().empty() || !asker_.ready().empty();
        if (!next) return is_full;  // Whoever takes bytes out has not done so.
        now_ = std::max(now_, *next);
        if (const auto due = relay_.deadline(); due && *due <= now_) relay_.deadline_reached(now_);
        if (!events_.empty() && events_.begin()->first <= now_) {
            const auto node = events_.extract(events_.begin());
            handle(node.mapped());
        }
        send_answers();
        return is_good_;
    }

    void send_answers() {
        while (auto answer = relay_.next_answer()) {
            Call call = std::move(calls_.at(answer->exchange));
            const bool is_lost = percent(loss_);
            later({.kind = is_lost ? Event::Kind::Fails : Event::Kind::Answered,
                   .call = std::move(call),
                   .answer = std::move(answer->body)});
        }
    }

    void handle(const Event& event) {
        const Call& call = event.call;
        if (event.kind == Event::Kind::Arrives) {
            const ExchangeId exchange{++exchanges_};
            calls_[exchange] = call;
            if (call.is_post) {
                relay_.up(exchange, call.at, call.body, call.done, now_);
            } else {
                relay_.down(exchange, call.at, call.done, now_);
            }
            if (percent(loss_ / 4)) relay_.gone(exchange), later({Event::Kind::Fails, call});
        } else if (event.kind == Event::Kind::Fails) {
            call.is_post ? uplink_.failed(call.ticket, event.failure, now_)
                         : asker_.failed(call.ticket, now_);
        } else {
            const auto answer = parse_poll_answer(event.answer);
            is_good_ = is_good_ && answer && answer->kind != PollAnswer::Kind::Gone;
            if (!is_good_) return;
            is_good_ = call.is_post ? uplink_.taken(call.ticket, answer->offset)
                                    : asker_.answered(call.ticket, *answer);
        }
    }

    void take_out() {
        while (!relay_.ready().empty() && !chance(4)) {
            const auto size = 1 + below(static_cast<std::uint32_t>(relay_.ready().size()));
            verify(relay_.ready().first(size), up_taken_);
            relay_.consume(size);
        }
        while (!asker_.ready().empty() && !chance(4)) {
            const auto size = 1 + below(static_cast<std::uint32_t>(asker_.ready().size()));
            verify(asker_.ready().first(size), down_taken_);
            asker_.consume(size);
        }
    }

    void verify(Bytes bytes, std::uint64_t& at) {
        for (const auto byte : bytes) is_good_ = is_good_ && byte == byte_at(at++);
    }

    std::mt19937 random_;
    std::uint32_t loss_, doubling_, longest_ms_;
    std::size_t body_limit_;
    TimePoint now_{1h};
    PollUplink uplink_;
    PollAsker asker_;
    PollAnswerer relay_;
    std::multimap<TimePoint, Event> events_;
    std::map<ExchangeId, Call> calls_;
    std::uint64_t ticket_ = 1, exchanges_ = 0;
    std::uint64_t up_written_ = 0, up_taken_ = 0, down_written_ = 0, down_taken_ = 0;
    bool is_good_ = true;
};

}  // namespace

TEST_CASE("over HTTP that loses, doubles, delays and refuses, bytes come once and in order") {
    for (std::uint32_t seed = 1; seed <= 100; ++seed) {
        World world{seed};
        CHECK_MESSAGE(world.run(), "seed ", seed);
    }
}
