// Both ends of an FTP control connection against any client and any server: who speaks next and how
// much, the bytes choose. Each text between two 0 bytes is said by the side that its first byte
// names; one that begins with 'k' has both processes killed, wherever they are.
#include <memory>
#include <string>

#include "common/base/check.h"
#include "common/protocols/ftp_ends.h"

using namespace relay;

namespace {

constexpr std::uint16_t opened_port = 40000;

// One end, its record, what its stream holds for it, and what the kernel counts of its socket.
struct Side {
    std::unique_ptr<FtpRecord> record = std::make_unique<FtpRecord>();
    std::unique_ptr<FtpEnd> end = {};
    std::string held = {};
    std::uint64_t given = 0;
    std::uint64_t taken = 0;

    void pass(std::size_t most) {
        for (;;) {
            const std::size_t cut = held.size() / 3;
            const std::array<Bytes, 2> pieces = {bytes_of(held).first(cut),
                                                 bytes_of(held).subspan(cut)};
            if (end->is_passed()) {
                if (!end->plan(pieces, false)) return;
                end->commit();
            }
            const Bytes next = end->next(pieces);
            const std::size_t count = std::min(next.size(), most);
            if (count == 0) return;
            most -= count;
            taken += count;
            held.erase(0, end->given(count));
        }
    }
    void go_on() {
        std::uint64_t seen = given, passed = taken;
        check(record->go_on(seen, passed) && seen == given && record->owed_out() == 0);
    }
};

void say(Side& from, Side& to, Bytes bytes) {
    ByteVector said = vector_of(bytes);
    from.end->saw(said);
    check(said.size() == bytes.size());
    from.end->commit();
    from.given += said.size();
    to.held += text_of(said);
    to.pass(said.size() % 7 == 0 ? said.size() / 2 : SIZE_MAX);  // Its socket may be slow.
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
    const FtpTls tls = data[0] % 16 < 8 ? FtpTls::Pass : FtpTls::Refuse;
    Side front, back;
    const auto begin = [&] {
        front.end = std::make_unique<FtpClientEnd>(*front.record,
                                                   FtpClientEnd::Options{here, here, open, tls});
        back.end =
            std::make_unique<FtpServerEnd>(*back.record, FtpServerEnd::Options{there, there, open});
    };
    begin();
    Bytes rest{data + 1, size - 1};
    while (!rest.empty()) {
        std::size_t end = 0;
        while (end < rest.size() && rest[end] != 0) ++end;
        const Bytes text = rest.first(end);
        rest = rest.subspan(std::min(end + 1, rest.size()));
        if (text.empty()) continue;
        if (text[0] == 'k') {
            front.go_on();
            back.go_on();
            begin();
        } else if (text[0] == 'c') {
            say(front, back, text.subspan(1));
        } else {
            say(back, front, text.subspan(1));
        }
        check(asked == 0 || asked >= ftp_data_port_least);
    }
    for (const std::uint16_t port : {std::uint16_t{21}, std::uint16_t{1023}}) {
        check(!front.end->take_announced(port, 2) && !back.end->take_announced(port, 2));
    }
    for (Side* side : {&front, &back}) {
        side->pass(SIZE_MAX);
        check(side->held.size() < ftp_line_most_bytes);
    }
    return 0;
}
