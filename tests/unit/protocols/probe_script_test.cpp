#include "common/protocols/probe_script.h"

#include <doctest/doctest.h>

#include <initializer_list>

#include "common/protocols/probe_answer.h"

using namespace relay;
using namespace std::chrono_literals;

namespace {

constexpr ProbeKind judging_kinds[] = {ProbeKind::Rdp, ProbeKind::Ssh, ProbeKind::Http,
                                       ProbeKind::Tls, ProbeKind::Ftp, ProbeKind::Vnc};

struct Answer {
    ProbeKind kind;
    std::string bytes;
    std::string detail;
};

std::string confirm(std::initializer_list<int> tail, bool negotiated = true) {
    std::string bytes = negotiated
                            ? std::string{"\x03\x00\x00\x13\x0e\xd0\x00\x00\x00\x00\x00", 11}
                            : std::string{"\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00", 11};
    for (const int byte : tail) bytes += static_cast<char>(byte);
    return bytes;
}

std::string record(int type, const std::string& content) {
    std::string bytes{static_cast<char>(type), '\x03', '\x03'};
    bytes += static_cast<char>(content.size() >> 8);
    bytes += static_cast<char>(content.size() & 0xff);
    return bytes + content;
}

std::string server_hello(int version, const std::string& extensions) {
    std::string body{'\x03', static_cast<char>(version)};
    body += std::string(32, 'r') + '\x20' + std::string(32, 's');
    body += std::string{"\x13\x02\x00\x00", 4} + static_cast<char>(extensions.size()) + extensions;
    return std::string{"\x02\x00\x00", 3} + static_cast<char>(body.size()) + body;
}

// What real servers said (freerdp-shadow, xrdp, OpenSSH, nginx, vsftpd, pure-ftpd, Xtigervnc), and
// the shapes of OpenSSL's answers.
std::vector<Answer> real_answers() {
    const std::string tls13{"\x00\x2b\x00\x02\x03\x04", 6};
    return {
        {ProbeKind::Rdp, confirm({2, 3, 8, 0, 0, 0, 0, 0}),
         "RDP, standard RDP security, no TLS (PROTOCOL_RDP)"},
        {ProbeKind::Rdp, confirm({2, 3, 8, 0, 1, 0, 0, 0}), "RDP, TLS (PROTOCOL_SSL)"},
        {ProbeKind::Rdp, confirm({2, 1, 8, 0, 2, 0, 0, 0}), "RDP, NLA (PROTOCOL_HYBRID)"},
        {ProbeKind::Rdp, confirm({2, 1, 8, 0, 8, 0, 0, 0}), "RDP, NLA (PROTOCOL_HYBRID_EX)"},
        {ProbeKind::Rdp, confirm({3, 0, 8, 0, 5, 0, 0, 0}),
         "RDP, NLA required (HYBRID_REQUIRED_BY_SERVER)"},
        {ProbeKind::Rdp, confirm({3, 0, 8, 0, 2, 0, 0, 0}),
         "RDP, TLS not allowed (SSL_NOT_ALLOWED_BY_SERVER)"},
        {ProbeKind::Rdp, confirm({}, /*negotiated=*/false), "RDP, no negotiation"},
        {ProbeKind::Ssh, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n", "SSH-2.0-OpenSSH_9.2p1"},
        {ProbeKind::Ssh, "SSH-1.99-old\n", "SSH-1.99-old"},
        {ProbeKind::Ssh, "No entry\r\n220 none\r\nSSH-2.0-dropbear\r\n", "SSH-2.0-dropbear"},
        {ProbeKind::Ftp, "220 home ftp ready\r\n", "220 home ftp ready"},
        {ProbeKind::Ftp, "120 in 5 minutes\r\n", "120 in 5 minutes"},
        {ProbeKind::Ftp, "220\r\n", "220"},
        {ProbeKind::Ftp, "220-Line one\r\n 227 trap\r\n 220 not the end\r\n220 ready\r\n",
         "220 ready"},
        {ProbeKind::Ftp, "220-a\r\n220-b\r\n220-c\r\n220 You will be\r\n", "220 You will be"},
        {ProbeKind::Vnc, "RFB 003.008\n", "RFB 003.008"},
        {ProbeKind::Http, "HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n", "HTTP 200"},
        {ProbeKind::Http, "HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP 400"},
        {ProbeKind::Http, "HTTP/1.0 404\n", "HTTP 404"},
        {ProbeKind::Tls, record(22, server_hello(3, tls13)), "TLS 1.3"},
        {ProbeKind::Tls, record(22, server_hello(3, "")), "TLS 1.2"},
        {ProbeKind::Tls, record(22, server_hello(1, "") + std::string(900, 'c')), "TLS 1.0"},
        {ProbeKind::Tls, std::string{"\x15\x03\x01\x00\x02\x02\x28", 7}, "TLS, alert 40"},
    };
}

std::optional<Verdict> fed(ProbeScript& script, std::string_view text) {
    return script.received(bytes_of(text));
}

}  // namespace

TEST_CASE("real answers are right for their own probe and wrong for the others") {
    for (const auto& answer : real_answers()) {
        CAPTURE(answer.bytes);
        for (const auto kind : judging_kinds) {
            CAPTURE(probe_kind_name(kind));
            auto script = make_probe(kind);
            auto verdict = fed(script, answer.bytes);
            if (kind == answer.kind) {
                CHECK(verdict == Verdict::Ok);
                CHECK(script.detail() == answer.detail);
            } else {
                CHECK(verdict.value_or(script.timed_out()) == Verdict::WrongProtocol);
                CHECK(script.detail().starts_with("answered "));
            }
        }
    }
}

TEST_CASE("an RDP server's choice and its refusal are named as the protocol names them") {
    const std::pair<int, std::string> choices[] = {
        {4, "RDP, RDSTLS (PROTOCOL_RDSTLS)"},
        {16, "RDP, Microsoft Entra (PROTOCOL_RDSAAD)"},
        {32, "RDP, security protocol 32"},
    };
    for (const auto& [protocol, name] : choices) {
        auto script = make_probe(ProbeKind::Rdp);
        CHECK(fed(script, confirm({2, 0, 8, 0, protocol, 0, 0, 0})) == Verdict::Ok);
        CHECK(script.detail() == name);
    }
    const std::pair<int, std::string> refusals[] = {
        {1, "RDP, TLS required (SSL_REQUIRED_BY_SERVER)"},
        {3, "RDP, no TLS certificate (SSL_CERT_NOT_ON_SERVER)"},
        {4, "RDP, inconsistent flags (INCONSISTENT_FLAGS)"},
        {6, "RDP, TLS with a user's certificate required (SSL_WITH_USER_AUTH_REQUIRED)"},
        {9, "RDP, negotiation failure 9"},
    };
    for (const auto& [code, name] : refusals) {
        auto script = make_probe(ProbeKind::Rdp);
        CHECK(fed(script, confirm({3, 0, 8, 0, code, 0, 0, 0})) == Verdict::Ok);
        CHECK(script.detail() == name);
        CHECK(name.size() <= max_probe_detail);
    }
}

TEST_CASE("an RDP server can be asked whether it insists on NLA") {
    const ProbeScript any{ProbeKind::Rdp}, without{ProbeKind::Rdp, RdpSecurity::WithoutNla};
    const auto requested = [](const ProbeScript& script) { return script.to_send()[15]; };
    CHECK(requested(any) == 0x0b);      // SSL, HYBRID, HYBRID_EX
    CHECK(requested(without) == 0x01);  // SSL
    CHECK(any.to_send().size() == without.to_send().size());
}

TEST_CASE("an answer is judged alike however it is cut") {
    for (const auto& answer : real_answers()) {
        for (std::size_t step = 1; step <= answer.bytes.size(); ++step) {
            auto script = make_probe(answer.kind);
            std::optional<Verdict> verdict;
            for (std::size_t at = 0; at < answer.bytes.size() && !verdict; at += step) {
                verdict = fed(script, std::string_view{answer.bytes}.substr(at, step));
            }
            CHECK(verdict == Verdict::Ok);
            CHECK(script.detail() == answer.detail);
        }
    }
}

TEST_CASE("an answer that stops half way is wrong, unless enough was said") {
    for (const auto& answer : real_answers()) {
        for (std::size_t size = 1; size < answer.bytes.size(); ++size) {
            auto script = make_probe(answer.kind);
            if (fed(script, std::string_view{answer.bytes}.substr(0, size))) continue;
            CHECK(script.ended() == Verdict::WrongProtocol);
        }
    }
}

TEST_CASE("what is nearly an answer is refused at once") {
    const auto with = [](std::string bytes, std::size_t at, int value) {
        bytes[at] = static_cast<char>(value);
        return bytes;
    };
    const auto rdp = confirm({2, 3, 8, 0, 1, 0, 0, 0});
    const auto tls = record(22, server_hello(3, ""));
    const std::vector<std::pair<ProbeKind, std::string>> table{
        {ProbeKind::Rdp, std::string{text_of(make_probe(ProbeKind::Rdp).to_send())}},  // An echo.
        {ProbeKind::Rdp, with(rdp, 0, 2)},
        {ProbeKind::Rdp, with(rdp, 2, 1)},
        {ProbeKind::Rdp, with(rdp, 3, 12)},
        {ProbeKind::Rdp, with(rdp, 4, 6)},
        {ProbeKind::Rdp, with(rdp, 11, 1)},
        {ProbeKind::Rdp, with(rdp, 13, 9)},
        {ProbeKind::Rdp, with(rdp, 18, 1)},
        {ProbeKind::Ssh, "SSH-1.5-ancient\r\n"},
        {ProbeKind::Ssh, std::string{"binary\0", 7}},
        {ProbeKind::Ssh, std::string{"SSH-2.0-x\0y\r\n", 13}},
        {ProbeKind::Ftp, "421 Too many connections\r\n"},
        {ProbeKind::Ftp, "2200\r\n"},
        {ProbeKind::Vnc, "RFB 003,008\n"},
        {ProbeKind::Vnc, "RFB 003.008 "},
        {ProbeKind::Http, "HTTP/2 200\r\n"},
        {ProbeKind::Http, "HTTP/1.2 200 OK\r\n"},
        {ProbeKind::Http, "HTTP/1.1 2000 OK\r\n"},
        {ProbeKind::Http, "SSH-2.0-OpenSSH_9.2p1\r\n"},
        {ProbeKind::Tls, std::string{text_of(probe_client_hello())}},  // An echo.
        {ProbeKind::Tls, with(tls, 0, 23)},
        {ProbeKind::Tls, with(tls, 1, 2)},
        {ProbeKind::Tls, with(tls, 6, 1)},  // A ServerHello of 64 KiB and more.
        {ProbeKind::Tls, record(21, std::string{"\x03\x28", 2})},
        {ProbeKind::Tls, record(21, "abc")},
        {ProbeKind::Tls, record(22, "")},
    };
    for (const auto& [kind, bytes] : table) {
        CAPTURE(probe_kind_name(kind));
        CAPTURE(bytes);
        auto script = make_probe(kind);
        CHECK(fed(script, bytes) == Verdict::WrongProtocol);
    }
}

TEST_CASE("silence, and a connection that ends at once, are told apart") {
    for (const auto kind : judging_kinds) {
        CHECK(make_probe(kind).patience() == 5s);
        CHECK(make_probe(kind).timed_out() == Verdict::Silent);
        CHECK(make_probe(kind).ended() == Verdict::Closed);
    }
}

TEST_CASE("to tcp a connection is enough, if it stays open for a moment") {
    auto silent = make_probe(ProbeKind::Tcp);
    CHECK(silent.to_send().empty());
    CHECK(silent.patience() == 300ms);
    CHECK(silent.timed_out() == Verdict::Ok);
    CHECK(silent.detail().empty());

    auto talking = make_probe(ProbeKind::Tcp);
    CHECK(fed(talking, "x") == Verdict::Ok);
    CHECK(make_probe(ProbeKind::Tcp).ended() == Verdict::Closed);
}

TEST_CASE("a verdict stays") {
    auto script = make_probe(ProbeKind::Ssh);
    CHECK(fed(script, "SSH-2.0-x\r\n") == Verdict::Ok);
    CHECK(fed(script, "SSH-1.5-x\r\n") == Verdict::Ok);
    CHECK(script.ended() == Verdict::Ok);
    CHECK(script.timed_out() == Verdict::Ok);
    CHECK(script.detail() == "SSH-2.0-x");
}

TEST_CASE("a server that never comes to its point is cut off") {
    auto script = make_probe(ProbeKind::Ssh);
    std::optional<Verdict> verdict;
    std::size_t said = 0;
    for (; !verdict; said += 10) verdict = fed(script, "bla bla  \n");
    CHECK(verdict == Verdict::WrongProtocol);
    CHECK(said < max_probe_answer + 10);
}

TEST_CASE("a detail is short, and printable whatever came") {
    auto script = make_probe(ProbeKind::Ssh);
    CHECK(fed(script, "SSH-2.0-\x1b[31m\xff" + std::string(300, 'a') + "\n") == Verdict::Ok);
    CHECK(script.detail().starts_with("SSH-2.0-?[31m?aaa"));
    CHECK(script.detail().size() == max_probe_detail);

    auto binary = make_probe(ProbeKind::Vnc);
    CHECK(fed(binary, "\x15\x03\x01") == Verdict::WrongProtocol);
    CHECK(binary.detail() == "answered 15 03 01");

    auto text = make_probe(ProbeKind::Vnc);
    CHECK(fed(text, "220 home ftp ready\r\n") == Verdict::WrongProtocol);
    CHECK(text.detail() == "answered \"220 home ftp ready\"");
}

TEST_CASE("a port names its usual service") {
    CHECK(kind_for_port(3389) == ProbeKind::Rdp);
    CHECK(kind_for_port(22) == ProbeKind::Ssh);
    CHECK(kind_for_port(80) == ProbeKind::Http);
    CHECK(kind_for_port(8080) == ProbeKind::Http);
    CHECK(kind_for_port(443) == ProbeKind::Tls);
    CHECK(kind_for_port(21) == ProbeKind::Ftp);
    CHECK(kind_for_port(5900) == ProbeKind::Vnc);
    CHECK(kind_for_port(5910) == ProbeKind::Vnc);
    CHECK(kind_for_port(5911) == ProbeKind::Tcp);
    CHECK(kind_for_port(0) == ProbeKind::Tcp);
}

TEST_CASE("verdicts have names, there and back") {
    for (const auto& [verdict, name] : verdict_names) {
        CHECK(verdict_name(verdict) == name);
        CHECK(verdict_of(name) == verdict);
    }
    CHECK(!verdict_of("fine"));
}
