// Both ends of the handshake against any bytes.
#include <algorithm>

#include "common/session/handshake.h"

using namespace relay;

namespace {

class NoRandom final : public Random {
public:
    void fill(MutableBytes bytes) override { std::fill(bytes.begin(), bytes.end(), 7); }
};

template <typename Handshake>
void feed(Handshake& handshake, Bytes input) {
    std::uint8_t room[2048];
    for (int round = 0; round < 8; ++round) {
        if (!handshake.receive(input)) return;
        while (const auto event = handshake.next_event()) {
            if (std::get_if<SignatureNeeded>(&*event)) handshake.provide_signature(Signature{});
        }
        (void)handshake.transmit(room);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    NoRandom random;
    RelayHandshake relay{{PublicKey{}, std::nullopt, Unbound::Accepted}, random};
    feed(relay, {data, size});
    HomeHandshake home{{.name = "home", .key = {}, .resume = {}, .slot = 0, .binding = {}}, random};
    feed(home, {data, size});
    const PrivateKey invitation = PrivateKey::generate(random);
    HomeHandshake invited{{.name = "home",
                           .key = {},
                           .resume = {},
                           .slot = 0,
                           .binding = {},
                           .invitation = invitation},
                          random};
    feed(invited, {data, size});
    return 0;
}
