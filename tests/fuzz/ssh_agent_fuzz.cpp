// Arbitrary bytes as what an ssh-agent sends, in two pieces: the cut must not matter.
#include "common/base/check.h"
#include "common/crypto/ssh_public_key.h"
#include "common/protocols/ssh_agent.h"

namespace {

using namespace relay;

// How many replies the stream holds, and whether it ended in an error.
struct Outcome {
    std::size_t replies = 0;
    bool failed = false;
    bool operator==(const Outcome&) const = default;
};

void drain(Bytes& input, Outcome& outcome) {
    while (!outcome.failed) {
        const auto reply = take_agent_reply(input);
        outcome.failed = !reply;
        if (!reply || !*reply) return;
        ++outcome.replies;
        const auto identities = parse_agent_identities(**reply);
        if (identities) {
            check(identities->usable.size() * ssh_blob_of({}).size() <= (*reply)->size());
        }
        (void)parse_agent_signature(**reply);  // Any result is fine.
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes stream{data + 1, size - 1};
    Outcome whole;
    Bytes input = stream;
    drain(input, whole);

    const std::size_t cut = stream.size() * data[0] / 256;
    Outcome pieces;
    Bytes first = stream.first(cut);
    drain(first, pieces);
    const std::size_t consumed = cut - first.size();
    Bytes rest = stream.subspan(consumed);
    drain(rest, pieces);
    check(whole == pieces);
    return 0;
}
