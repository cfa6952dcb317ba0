// The SOCKS5 server against any bytes, in pieces that the first byte chooses.
#include <algorithm>

#include "common/base/check.h"
#include "common/protocols/socks5.h"

using namespace relay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece = data[0] % 16 + 1U;
    Bytes input{data + 1, size - 1};
    Socks5Server server;
    while (!input.empty() && server.wanted() > 0) {
        const std::size_t count = std::min({piece, input.size(), server.wanted()});
        server.receive(input.first(count));
        input = input.subspan(count);
        check(server.take_output().size() <= socks5_reply(Socks5Reply::Failure).size());
        check(server.wanted() <= 255);
    }
    if (server.asked()) {
        check(!server.has_failed() && server.asked()->port != 0);
        check(!server.asked()->host.empty() && server.asked()->host.size() <= 255);
    }
    return 0;
}
