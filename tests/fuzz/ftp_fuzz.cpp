// Both ends of an FTP control connection against any client and any server: who speaks next and how
// much, the bytes choose. Each text between two 0 bytes is said by the side that its first byte
// names.
#include <string>

#include "common/base/check.h"
#include "common/protocols/ftp_ends.h"

using namespace relay;

namespace {

constexpr std::uint16_t opened_port = 40000;

void say(FtpEnd& from, FtpEnd& to, Bytes bytes) {
    ByteVector said = vector_of(bytes);
    from.saw(said);
    check(said.size() == bytes.size());
    (void)to.pass(said);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    std::uint16_t asked = 0;
    const auto open = [&](std::uint16_t port) {
        asked = port;
        return data[0] % 2 == 0 ? std::optional{opened_port} : std::nullopt;
    };
    const IpAddress v4 = *parse_ip_address("192.0.2.1");
    const IpAddress v6 = *parse_ip_address("2001:db8::1");
    const IpAddress here = data[0] % 4 < 2 ? v4 : v6;
    const IpAddress there = data[0] % 8 < 4 ? v4 : v6;
    FtpClientEnd front{{here, here, open, data[0] % 16 < 8 ? FtpTls::Pass : FtpTls::Refuse}};
    FtpServerEnd back{{there, there, open}};
    Bytes rest{data + 1, size - 1};
    while (!rest.empty()) {
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != 0) ++end;
        const Bytes text = rest.first(end);
        rest = rest.subspan(std::min(end + 1, rest.size()));
        if (text.empty()) continue;
        const bool is_client = text[0] == 'c';
        if (is_client) {
            say(front, back, text.subspan(1));
        } else {
            say(back, front, text.subspan(1));
        }
        check(asked == 0 || asked >= ftp_data_port_least);
    }
    for (const std::uint16_t port : {std::uint16_t{21}, std::uint16_t{1023}}) {
        check(!front.take_announced(port) && !back.take_announced(port));
    }
    check(front.take_rest().size() < ftp_line_most_bytes);
    check(back.take_rest().size() < ftp_line_most_bytes);
    return 0;
}
