// Arbitrary bytes as a signed knock, and as what was remembered of others; text as a listing of nft
// and as a note of the kernel's. What is read must say the same when it is written again.
#include "common/base/check.h"
#include "common/gates/knock_judge.h"
#include "common/gates/ruleset.h"

namespace {

using namespace relay;

void judge(Bytes packet) {
    constexpr std::uint64_t now_ms = 1'800'000'000'000;
    static const PrivateKey key{PrivateKey::Seed{}};
    KnockJudge judge{TimePoint{}};
    judge.set_rights({{key.public_key(), "alice", {}, {"ssh"}}});
    judge.remember(text_of(packet), now_ms);
    KnockJudge again{TimePoint{}};
    again.remember(judge.remembered(), now_ms);
    check(again.remembered() == judge.remembered());
    (void)judge.judge(packet, IpAddress{}, {now_ms, TimePoint{}});
    const auto received = parse_signed_knock(packet);
    if (!received) return;
    check(knock_packet(received->knock, received->signature) == vector_of(packet));
}

void read_listing(std::string_view text) {
    const auto states = states_in(text);
    for (const auto& [name, state] : states) {
        check(parse_gate_name(name).operator bool());
        for (const auto& whom : state.open) check(whom.left >= Duration{});
    }
    if (const auto note = parse_log_prefix(text)) check(log_prefix(*note) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judge({data, size});
    read_listing(text_of({data, size}));
    return 0;
}
