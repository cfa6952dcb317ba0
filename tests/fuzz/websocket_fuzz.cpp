// The first byte chooses the role and how the rest is cut into input.
#include <algorithm>

#include "common/base/check.h"
#include "common/protocols/websocket.h"

using namespace relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto role = (data[0] & 1) != 0 ? WebSocketRole::Server : WebSocketRole::Client;
    const std::size_t step = 1 + data[0] / 2;
    ByteVector bytes(data + 1, data + size);
    WebSocketReader reader{role};
    std::size_t payload = 0;
    for (MutableBytes rest{bytes}; !rest.empty();) {
        MutableBytes input = rest.first(std::min(step, rest.size()));
        rest = rest.subspan(input.size());
        while (true) {
            const auto piece = reader.next(input);
            if (!piece) return 0;
            if (!*piece) break;
            if ((*piece)->kind == WebSocketPiece::Kind::Close) return 0;
            if ((*piece)->kind == WebSocketPiece::Kind::Payload) {
                check(!(*piece)->bytes.empty());
                payload += (*piece)->bytes.size();
            }
        }
        check(input.empty());
    }
    check(payload <= size);
    return 0;
}
