#include "common/protocols/ftp_ends.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace relay;

namespace {

IpAddress address(const char* text) {
    return *parse_ip_address(text);
}

// A port of its own for each that is asked for.
struct Ports {
    std::uint16_t next = 40000;
    std::vector<std::uint16_t> asked;

    std::function<std::optional<std::uint16_t>(std::uint16_t)> opener() {
        return [this](std::uint16_t port) -> std::optional<std::uint16_t> {
            asked.push_back(port);
            if (next == 0) return std::nullopt;
            return next++;
        };
    }
};

// An end, its record, and what its stream holds that is yet to be passed.
template <typename End>
struct Held {
    Held(FtpRecord begun, typename End::Options options)
        : record(std::make_unique<FtpRecord>(begun)),
          end(std::make_unique<End>(*record, std::move(options))) {}

    std::unique_ptr<FtpRecord> record;
    std::unique_ptr<End> end;
    std::string held = {};

    End* operator->() { return end.get(); }
};

template <typename End>
void says(Held<End>& end, std::string text) {
    end->saw({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    end->commit();
}

// What the local socket gets of it.
template <typename End>
std::string gets(Held<End>& end, std::string_view text, bool is_all = false) {
    end.held += text;
    std::string got;
    for (;;) {
        // In two pieces, as a ring has them.
        const std::size_t cut = end.held.size() / 2;
        const std::array<Bytes, 2> pieces = {bytes_of(end.held).first(cut),
                                             bytes_of(end.held).subspan(cut)};
        if (end->is_passed()) {
            if (!end->plan(pieces, is_all)) return got;
            end->commit();
        }
        const Bytes next = end->next(pieces);
        REQUIRE_FALSE(next.empty());
        got += text_of(next);
        end.held.erase(0, end->given(next.size()));
    }
}

// As above, with a greeting that was passed.
Held<FtpClientEnd> client_end(Ports& ports, const char* client, const char* dialled,
                              FtpTls tls = FtpTls::Pass) {
    Held<FtpClientEnd> end{{}, {address(client), address(dialled), ports.opener(), tls}};
    CHECK(gets(end, "220 ready\r\n") == "220 ready\r\n");
    return end;
}

Held<FtpServerEnd> server_end(Ports& ports, const char* server, const char* from) {
    Held<FtpServerEnd> end{{}, {address(server), address(from), ports.opener()}};
    says(end, "220 ready\r\n");
    return end;
}

}  // namespace

TEST_CASE("the client is sent to the address it has dialled, and a port of this side") {
    Ports ports;
    auto end = client_end(ports, "192.0.2.1", "198.51.100.7");
    says(end, "PASV\r\n");
    CHECK(gets(end, "227 Entering Passive Mode (10,77,1,2,85,244).\r\n") ==
          "227 Entering Passive Mode (198,51,100,7,156,64).\r\n");
    says(end, "EPSV\r\n");
    CHECK(gets(end, "229 Extended Passive mode OK (|||22001|)\r\n") ==
          "229 Entering Extended Passive Mode (|||40001|)\r\n");
    CHECK(ports.asked == std::vector<std::uint16_t>{22004, 22001});
}

TEST_CASE("what a 229 says to a PASV becomes a 227") {
    Ports ports;
    auto end = client_end(ports, "192.0.2.1", "198.51.100.7");
    says(end, "PASV\r\n");
    CHECK(gets(end, "229 Entering Extended Passive Mode (|||22001|)\r\n") ==
          "227 Entering Passive Mode (198,51,100,7,156,64).\r\n");
}

TEST_CASE("a client by IPv6 is told to use EPSV") {
    Ports ports;
    auto end = client_end(ports, "2001:db8::1", "2001:db8::7");
    says(end, "PASV\r\n");
    CHECK(gets(end, "227 (10,77,1,2,85,244)\r\n").starts_with("425 "));
    says(end, "EPSV 2\r\n");
    CHECK(gets(end, "229 (|||22001|)\r\n") == reply_229(40000));
    CHECK(ports.asked.size() == 1);
}

TEST_CASE("without a port of this side the client is told so") {
    Ports ports{.next = 0, .asked = {}};
    auto end = client_end(ports, "192.0.2.1", "198.51.100.7");
    says(end, "EPSV\r\n");
    CHECK(gets(end, "229 (|||22001|)\r\n").starts_with("425 "));
}

TEST_CASE("a trap in a banner passes as it is") {
    Ports ports;
    Held<FtpClientEnd> end{{}, {address("192.0.2.1"), address("198.51.100.7"), ports.opener()}};
    says(end, "PASV\r\n");
    const std::string banner =
        "220-Line one\r\n 227 Entering Passive Mode (1,2,3,4,5,6).\r\n"
        "227 Entering Passive Mode (1,2,3,4,5,6).\r\n 220 not the end\r\n220 ProFTPD\r\n";
    std::string passed;
    for (const char byte : banner) passed += gets(end, {&byte, 1});
    CHECK(passed == banner);
    CHECK(ports.asked.empty());
}

TEST_CASE("an incomplete line waits, and what has no end comes with the stream's") {
    Ports ports;
    auto end = client_end(ports, "192.0.2.1", "198.51.100.7");
    says(end, "PASV\r\n");
    CHECK(gets(end, "227 (10,77,").empty());
    CHECK(gets(end, "1,2,85,244)\r\n221 b").starts_with("227 Entering"));
    CHECK(gets(end, "", true) == "221 b");
}

TEST_CASE("ports below 1024 are no data ports") {
    Ports ports;
    auto front = client_end(ports, "192.0.2.1", "198.51.100.7");
    says(front, "PASV\r\nPORT 192,0,2,1,3,255\r\n");
    CHECK(gets(front, "227 (10,77,1,2,0,22)\r\n") == "227 (10,77,1,2,0,22)\r\n");
    CHECK_FALSE(front->take_announced(1023, 6));
    auto back = server_end(ports, "10.0.0.2", "10.0.0.1");
    CHECK(gets(back, "PASV\r\n") == "PASV\r\n");
    says(back, "227 (10,77,1,2,0,22)\r\n");
    CHECK_FALSE(back->take_announced(22, 6));
    CHECK(gets(back, "PORT 192,0,2,1,3,255\r\n") == "PORT 0,0,0,0,0,0\r\n");
    CHECK(ports.asked.empty());
}

TEST_CASE("the server's side lets through what the server has announced, once") {
    Ports ports;
    auto end = server_end(ports, "10.0.0.2", "10.0.0.1");
    CHECK_FALSE(end->take_announced(22001, 6));
    CHECK(gets(end, "PASV\r\nEPSV\r\n") == "PASV\r\nEPSV\r\n");
    says(end, "227 (10,0,0,2,85,241)\r\n229 (|||22003|)\r\n");
    CHECK(end->take_announced(22001, 6));
    CHECK_FALSE(end->take_announced(22001, 8));
    CHECK(end->take_announced(22001, 6));  // By another process.
    CHECK(end->take_announced(22003, 6));
    CHECK_FALSE(end->take_announced(22004, 6));
}

TEST_CASE("of many announced ports the last few count") {
    Ports ports;
    auto end = server_end(ports, "10.0.0.2", "10.0.0.1");
    for (int port = 22000; port <= 22004; ++port) {
        (void)gets(end, "EPSV\r\n");
        says(end, "229 (|||" + std::to_string(port) + "|)\r\n");
    }
    CHECK_FALSE(end->take_announced(22000, 6));
    CHECK(end->take_announced(22001, 6));
    CHECK(end->take_announced(22004, 6));
}

TEST_CASE("a server is asked for what works in its family of addresses") {
    Ports ports;
    auto end = server_end(ports, "fd77::2", "fd77::1");
    CHECK(gets(end, "PASV\r\n") == "EPSV\r\n");
    says(end, "229 (|||22001|)\r\n");
    CHECK(end->take_announced(22001, 6));
    CHECK(gets(end, "EPSV 1\r\n") == "EPSV\r\n");
    CHECK(gets(end, "EPSV ALL\r\n") == "EPSV ALL\r\n");
    CHECK(gets(end, "PORT 192,0,2,1,85,244\r\n") == "EPRT |2|fd77::1|40000|\r\n");
    auto v4 = server_end(ports, "10.0.0.2", "10.0.0.1");
    CHECK(gets(v4, "EPRT |2|fd77:2::2|43465|\r\n") == "PORT 10,0,0,1,156,65\r\n");
    CHECK(ports.asked == std::vector<std::uint16_t>{22004, 43465});
}

TEST_CASE("a client offers ports of its own address and no other") {
    Ports ports;
    auto end = client_end(ports, "192.0.2.1", "198.51.100.7");
    says(end, "PORT 192,0,2,1,85,244\r\nEPRT |1|192.0.2.1|22005|\r\nPORT 192,0,2,9,85,246\r\n");
    CHECK(end->take_announced(22004, 6));
    CHECK_FALSE(end->take_announced(22004, 8));
    CHECK(end->take_announced(22005, 6));
    CHECK_FALSE(end->take_announced(22006, 6));
}

TEST_CASE("a client of this very machine is offered no active mode") {
    Ports ports;
    for (const auto& [client, dialled] :
         {std::pair{"127.0.0.2", "127.0.0.1"}, std::pair{"198.51.100.7", "198.51.100.7"}}) {
        auto front = client_end(ports, client, dialled);
        auto back = server_end(ports, "10.0.0.2", "10.0.0.1");
        std::string line = "EPRT |1|" + std::string{client} + "|22005|\r\n";
        front->saw({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});
        CHECK(line.starts_with("EPRT XXX"));
        CHECK(gets(back, line) == "PORT 0,0,0,0,0,0\r\n");
        CHECK_FALSE(front->take_announced(22005, 6));
    }
}

TEST_CASE("no PORT that is not understood reaches a server") {
    Ports ports;
    auto end = server_end(ports, "10.0.0.2", "10.0.0.1");
    for (const char* line : {"PORT\r\n", "PORT 1,2,3\r\n", "EPRT |1|host|2000|\r\n", "port x\n"}) {
        CAPTURE(line);
        CHECK(gets(end, line) == "PORT 0,0,0,0,0,0\r\n");
    }
    ports.next = 0;
    CHECK(gets(end, "PORT 192,0,2,1,85,244\r\n") == "PORT 0,0,0,0,0,0\r\n");
}

TEST_CASE("before a server has greeted no port of this side is opened for it") {
    Ports ports;
    Held<FtpServerEnd> end{{}, {address("10.0.0.2"), address("10.0.0.1"), ports.opener()}};
    CHECK(gets(end, "PORT 192,0,2,1,85,244\r\n") == "PORT 0,0,0,0,0,0\r\n");
    says(end, "PASV\r\n227 (10,0,0,2,85,241)\r\n");
    CHECK_FALSE(end->take_announced(22001, 6));
    CHECK(ports.asked.empty());
}

TEST_CASE("the signals of Telnet before an ABOR pass") {
    Ports ports;
    auto end = server_end(ports, "10.0.0.2", "10.0.0.1");
    const std::string line =
        "\xff\xf4\xff\xf2"
        "ABOR\r\n";
    CHECK(gets(end, line) == line);
}

TEST_CASE("behind AUTH everything passes as it is") {
    Ports ports;
    auto front = client_end(ports, "192.0.2.1", "198.51.100.7");
    auto back = server_end(ports, "10.0.0.2", "10.0.0.1");
    says(front, "AUTH TLS\r\n");
    CHECK(gets(back, "AUTH TLS\r\n") == "AUTH TLS\r\n");
    says(back, "234 go on\r\n");
    CHECK(gets(front, "234 go on\r\n\x16\x03") == "234 go on\r\n\x16\x03");
    CHECK(front->is_opaque());
    CHECK(back->is_opaque());
    CHECK(gets(back, "\x16\x03 no line") == "\x16\x03 no line");
    says(front, "PASV\r\n");
    CHECK(gets(front, "227 (10,77,1,2,85,244)\r\n") == "227 (10,77,1,2,85,244)\r\n");
}

TEST_CASE("TLS from the first byte passes as it is") {
    Ports ports;
    Held<FtpClientEnd> front{{}, {address("192.0.2.1"), address("198.51.100.7"), ports.opener()}};
    Held<FtpServerEnd> back{{}, {address("10.0.0.2"), address("10.0.0.1"), ports.opener()}};
    says(front, "\x16\x03\x01");
    CHECK(gets(back, "\x16\x03\x01") == "\x16\x03\x01");
    CHECK(front->is_opaque());
    CHECK(back->is_opaque());
}

TEST_CASE("where TLS is refused, AUTH asks for what no server has") {
    const std::string said =
        "USER a\r\nAUTH TLS\r\nauth  SSL-P\r\nAUTHOR\r\nXAUTH TLS\r\n\xff\xf4"
        "AUTH x\n";
    const std::string masked =
        "USER a\r\nAUTH XXX\r\nauth  XXXXX\r\nAUTHOR\r\nXAUTH TLS\r\n\xff\xf4"
        "AUTH X\n";
    for (std::size_t piece = 1; piece <= said.size(); ++piece) {
        CAPTURE(piece);
        FtpMask mask;
        FtpMaskPlace place;
        mask.add("auth");
        std::string text = said;
        for (std::size_t at = 0; at < text.size(); at += piece) {
            const std::size_t size = std::min(piece, text.size() - at);
            mask.change(place, {reinterpret_cast<std::uint8_t*>(text.data()) + at, size});
        }
        CHECK(text == masked);
    }
}

TEST_CASE("active mode on this machine is for those alone who are trusted to be on it") {
    for (const bool is_trusted : {false, true}) {
        Ports ports;
        Held<FtpClientEnd> end{FtpRecord{},
                               {.client = address("127.0.0.1"),
                                .dialled = address("127.0.0.1"),
                                .open_data = ports.opener(),
                                .tls = FtpTls::Pass,
                                .trusts_own_machine = is_trusted}};
        CHECK(gets(end, "220 ready\r\n") == "220 ready\r\n");
        says(end, "PORT 127,0,0,1,156,64\r\n");
        CHECK(end->take_announced(40000, 2) == is_trusted);
        says(end, "PORT 127,0,0,1,0,22\r\n");
        CHECK_FALSE(end->take_announced(22, 4));
        says(end, "PORT 192,0,2,1,156,65\r\n");
        CHECK_FALSE(end->take_announced(40001, 6));
    }
}
