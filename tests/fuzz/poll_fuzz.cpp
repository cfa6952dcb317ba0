// The first byte chooses: the path of a request, the body of an answer, or requests of a client
// that keeps no rule, each of 1 + 2 + 1 + 2 bytes.
#include <algorithm>

#include "common/base/byte_reader.h"
#include "common/base/check.h"
#include "common/protocols/poll_answerer.h"
#include "common/protocols/poll_asker.h"
#include "common/protocols/poll_message.h"

using namespace relay;

namespace {

void read_path(Bytes input) {
    const auto path = text_of(input);
    const auto request = parse_poll_path(path);
    if (!request) return;
    check(is_poll_path(path));
    check(parse_poll_path(poll_path("/x", *request)) == request);
}

void read_answer(Bytes input) {
    const auto answer = parse_poll_answer(input);
    if (!answer) return;
    check(parse_poll_answer(poll_answer(*answer)).has_value());
    PollAsker asker;
    (void)asker.next(1, TimePoint{});
    (void)asker.answered(1, *answer);
}

void be_hostile(Bytes input) {
    static const ByteVector body(poll_body_most_bytes);
    ByteReader reader{input};
    PollAnswerer relay;
    std::uint64_t exchanges = 0, answers = 0;
    TimePoint now{};
    while (!reader.rest().empty()) {
        const auto what = reader.u8();
        const std::uint64_t at = reader.u16();
        const std::uint64_t done = reader.u8();
        const std::size_t size = reader.u16();
        if (!reader.ok()) break;
        switch (what % 6) {
            case 0: relay.up({++exchanges}, at * 16, Bytes{body}.first(size), done, now); break;
            case 1: relay.down({++exchanges}, at, done, now); break;
            case 2: relay.write(Bytes{body}.first(std::min(size, relay.room()))); break;
            case 3: relay.consume(std::min(size, relay.ready().size())); break;
            case 4:
                now += std::chrono::seconds{at % 32};
                relay.deadline_reached(now);
                break;
            default: relay.gone({at}); break;
        }
        while (const auto answer = relay.next_answer()) {
            ++answers;
            check(parse_poll_answer(answer->body).has_value());
        }
        check(relay.ready().size() <= poll_window_bytes && relay.room() <= poll_window_bytes);
    }
    check(answers + relay.waiting() <= exchanges);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes input{data + 1, size - 1};
    switch (data[0] % 3) {
        case 0: read_path(input); break;
        case 1: read_answer(input); break;
        default: be_hostile(input); break;
    }
    return 0;
}
