// A session between a hostile peer and a local side that uses it: the first byte of each step says
// which, the following ones how. Nothing the peer sends may break it or cost more than its budget.
#include <memory>

#include "common/base/byte_reader.h"
#include "common/base/check.h"
#include "common/session/session.h"

using namespace relay;

namespace {

constexpr std::size_t arena_bytes = 1 << 20;
constexpr CarrierId carrier{1};

void use(Session& session, std::uint8_t what, StreamId stream, TimePoint now) {
    switch (what % 8) {
        case 0: (void)session.open({"127.0.0.1", 1, "v"}, now); break;
        case 1: session.wrote(stream, session.write_space(stream)[0].size() / 2); break;
        case 2: session.consumed(stream, session.read_data(stream)[0].size(), now); break;
        case 3: session.finish(stream); break;
        case 4: session.reset(stream, ResetReason::PeerReset); break;
        case 5: session.connected(stream); break;
        case 6: session.deadline_reached(now); break;
        case 7: session.detach(carrier, now); break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto memory = std::make_unique_for_overwrite<std::uint8_t[]>(arena_bytes);
    Arena arena{MutableBytes{memory.get(), arena_bytes}};
    const SessionOptions options{.ring_least_bytes = 256,
                                 .ring_start_bytes = 512,
                                 .ring_most_bytes = 4096,
                                 .window_bytes = 512,
                                 .memory_budget_bytes = 4096,
                                 .streams_max = 16};
    Session session{Side::Relay, SessionId{1}, arena, options, TimePoint{}};
    session.attach(carrier, TimePoint{});
    std::uint8_t room[16384];
    ByteReader reader{Bytes{data, size}};
    ByteVector inbox;
    for (TimePoint now{}; !reader.at_end() && reader.ok(); now += std::chrono::milliseconds(200)) {
        const std::uint8_t step = reader.u8();
        if (step < 128) {
            use(session, step, StreamId{reader.u8() % 8u}, now);
        } else {
            const Bytes bytes =
                reader.bytes(std::min<std::size_t>(step - 127, reader.rest().size()));
            inbox.insert(inbox.end(), bytes.begin(), bytes.end());
            Bytes input = inbox;
            (void)session.receive(carrier, input, now);
            inbox.assign(input.begin(), input.end());
        }
        while (session.next_event()) {
        }
        for (int i = 0; i < 4 && session.has_work(carrier); ++i) {
            (void)session.transmit(carrier, room, now);
        }
        check(session.memory_bytes() <= options.memory_budget_bytes + wire::control_window_bytes +
                                            2 * options.streams_max * options.ring_least_bytes);
    }
    return 0;
}
