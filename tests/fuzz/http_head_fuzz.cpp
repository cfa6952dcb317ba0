// The first byte says how the rest is cut into input.
#include <algorithm>

#include "common/base/check.h"
#include "common/protocols/http_head.h"
#include "common/protocols/websocket_handshake.h"

using namespace relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = 1 + data[0];
    HttpHeadReader reader;
    for (Bytes rest{data + 1, size - 1}; !rest.empty();) {
        Bytes input = rest.first(std::min(step, rest.size()));
        rest = rest.subspan(input.size());
        const auto head = reader.receive(input);
        if (!head) return 0;
        if (*head) {
            check((*head)->status >= 0 && (*head)->status <= 999);
            (void)check_websocket_answer(**head, "dGhlIHNhbXBsZSBub25jZQ==");
            return 0;
        }
        check(input.empty());
    }
    return 0;
}
