// What goes wrong when dialling and accepting, and what is said about it.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/unit/daemon/carriers/harness.h"

using namespace relay;
using namespace relay::testing;
using namespace std::chrono_literals;

namespace {

constexpr CarrierKind all_kinds[] = {CarrierKind::Wss, CarrierKind::Ws, CarrierKind::Tls};

// A connection to 127.0.0.1 that says what it is told, and keeps what it hears.
class RawClient {
public:
    RawClient(Loop& loop, std::uint16_t port, std::string to_say, const char* source = nullptr)
        : to_say_(std::move(to_say)) {
        UniqueFd fd{socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        sockaddr_in address{};
        address.sin_family = AF_INET;
        if (source != nullptr) {
            inet_pton(AF_INET, source, &address.sin_addr);
            REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        }
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        (void)connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
        poll_ = std::make_unique<Poll>(loop, std::move(fd), [this](PollEvents e) { ready(e); });
        poll_->set_interest({.readable = true, .writable = true});
    }

    void say(const std::string& text) {
        to_say_ += text;
        poll_->set_interest({.readable = true, .writable = true});
    }

    std::string heard;
    bool closed = false;

private:
    void ready(PollEvents events) {
        if (events.writable && !to_say_.empty()) {
            const auto size = send(poll_->fd(), to_say_.data(), to_say_.size(), MSG_NOSIGNAL);
            if (size > 0) to_say_.erase(0, static_cast<std::size_t>(size));
        }
        if (events.readable) {
            char buffer[4096];
            const auto size = recv(poll_->fd(), buffer, sizeof buffer, 0);
            if (size == 0 || (size < 0 && errno != EAGAIN)) closed = true;
            if (size > 0) heard.append(buffer, static_cast<std::size_t>(size));
        }
        if (closed) {
            poll_->set_interest({});
        } else {
            poll_->set_interest({.readable = true, .writable = !to_say_.empty()});
        }
    }

    std::string to_say_;
    std::unique_ptr<Poll> poll_;
};

// A server that answers the first bytes of each connection with `answer`.
struct RawServer {
    RawServer(Loop& loop, std::string answer) {
        auto opened = TcpListener::open(loop, "127.0.0.1", 0, [this, &loop, answer](Accepted conn) {
            const int fd = conn.fd.get();
            polls.push_back(std::make_unique<Poll>(loop, std::move(conn.fd), [fd, answer](auto) {
                char buffer[4096];
                if (recv(fd, buffer, sizeof buffer, 0) > 0) {
                    (void)!send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
                }
            }));
            polls.back()->set_interest({.readable = true});
        });
        REQUIRE(opened);
        listener = std::move(*opened);
    }
    std::vector<std::unique_ptr<Poll>> polls;
    std::unique_ptr<TcpListener> listener;
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a closed port is refused in the system's words, for each kind") {
    for (const auto kind : all_kinds) {
        Pair pair;
        const auto endpoint = pair.listen(kind);
        auto listened = endpoint;
        listened.port = 0;
        REQUIRE(pair.acceptor->remove(listened));
        CHECK(!pair.acceptor->remove(listened));
        pair.dial(endpoint);
        REQUIRE(pair.dial_error);
        CAPTURE(pair.dial_error->text);
        CHECK(has(pair.dial_error->text, to_text(endpoint)));
        CHECK(has(pair.dial_error->text, "onnect"));
    }
}

TEST_CASE("a port that speaks no TLS, and one that is no WebSocket, are told apart") {
    Pair pair;
    RawServer http{pair.loop, "HTTP/1.1 503 Busy\r\n\r\n"};
    Endpoint endpoint{.kind = CarrierKind::Wss, .host = "127.0.0.1"};
    endpoint.port = http.listener->port();
    pair.dial(endpoint);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "TLS"));
    endpoint.kind = CarrierKind::Ws;
    pair.dial(endpoint);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "503 Busy"));

    RawServer ssh{pair.loop, "SSH-2.0-OpenSSH_9.2\r\n"};
    endpoint.port = ssh.listener->port();
    pair.dial(endpoint);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "not HTTP"));
}

TEST_CASE("a TLS port with another protocol refuses by ALPN, both ways round") {
    Pair pair;
    auto endpoint = pair.listen(CarrierKind::Tls);
    endpoint.kind = CarrierKind::Wss;
    pair.dial(endpoint);
    REQUIRE(pair.dial_error);
    CAPTURE(pair.dial_error->text);
    CHECK(has(pair.dial_error->text, "TLS"));
    pair.run_until([&] { return pair.acceptor->failed_handshakes() == 1; });

    endpoint = pair.listen(CarrierKind::Wss);
    endpoint.kind = CarrierKind::Tls;
    pair.dial(endpoint);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "relayd/1"));
    pair.run_until([&] { return pair.acceptor->unfinished_handshakes() == 0; });
}

TEST_CASE("10,000 bytes of garbage end one connection and nothing else") {
    for (const auto kind : all_kinds) {
        CAPTURE(static_cast<int>(kind));
        Pair pair;
        const auto endpoint = pair.listen(kind);
        RawClient garbage{pair.loop, endpoint.port, std::string(10000, '\x5a')};
        pair.run_until([&] { return garbage.closed; });
        CAPTURE(garbage.heard);
        pair.run_until([&] { return pair.acceptor->unfinished_handshakes() == 0; });
        CHECK(pair.accepted == nullptr);
        pair.dial(endpoint);
        CHECK(!pair.dial_error);
        pair.run_until([&] { return pair.accepted != nullptr; });
    }
}

TEST_CASE("garbage behind the upgrade closes the carrier") {
    Pair pair;
    const auto endpoint = pair.listen(CarrierKind::Ws);
    RawClient client{pair.loop, endpoint.port,
                     "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Protocol: relayd.v1\r\n\r\n"};
    pair.run_until([&] { return pair.accepted != nullptr && !client.heard.empty(); });
    CHECK(has(client.heard, "101"));
    CHECK(has(client.heard, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    pair.server.start(std::move(pair.accepted));
    client.say("not masked, not a frame");
    pair.run_until([&] { return pair.server.closed && client.closed; });
    CHECK(has(pair.server.closed->text, "WebSocket"));
}

TEST_CASE("a browser sees a page, or a 404, and no carrier comes of it") {
    for (const bool has_page : {true, false}) {
        Pair pair{{.page = [&](std::string_view path) {
            return has_page && path == "/x" ? std::optional{HttpPage{.body = "a page"}}
                                            : std::optional<HttpPage>{};
        }}};
        const auto endpoint = pair.listen(CarrierKind::Ws);
        RawClient browser{pair.loop, endpoint.port, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"};
        pair.run_until([&] { return browser.closed; });
        CAPTURE(browser.heard);
        CHECK(has(browser.heard, has_page ? "200" : "404"));
        CHECK(has(browser.heard, has_page ? "\r\n\r\na page" : "Nothing here"));
        RawClient wrong{pair.loop, endpoint.port,
                        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n"};
        pair.run_until([&] { return wrong.closed; });
        CHECK(!has(wrong.heard, "101"));
        CHECK(pair.accepted == nullptr);
    }
}

TEST_CASE("a silent client is dropped at the deadline") {
    Pair pair{{.handshake_deadline = 20ms}};
    RawClient silent{pair.loop, pair.listen(CarrierKind::Tls).port, ""};
    pair.run_until([&] { return silent.closed; });
    CHECK(pair.acceptor->failed_handshakes() == 1);
}

TEST_CASE("a dial ends at its deadline, and may be given up before") {
    Pair pair;
    RawServer silent{pair.loop, ""};
    const Endpoint endpoint{
        .kind = CarrierKind::Wss, .host = "127.0.0.1", .port = silent.listener->port()};
    DialOptions options = Pair::direct();
    options.deadline = 20ms;
    pair.dial(endpoint, options);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "in time"));
    for (int turns = 0; turns < 4; ++turns) {
        Dialer given_up{pair.loop, pair.random, endpoint, Pair::direct(),
                        [](auto) { FAIL("nobody waits for it"); }};
        for (int turn = 0; turn < turns; ++turn) pair.loop.run_once();
    }
}

TEST_CASE("a proxy's refusal has its answer, and no password") {
    Pair pair;
    RawServer proxy{pair.loop,
                    "HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
                    "Content-Length: 0\r\n\r\n"};
    const auto endpoint = pair.listen(CarrierKind::Wss);
    DialOptions options;
    options.proxy = "http://me:secret@127.0.0.1:" + std::to_string(proxy.listener->port());
    pair.dial(endpoint, options);
    REQUIRE(pair.dial_error);
    CAPTURE(pair.dial_error->text);
    CHECK(has(pair.dial_error->text, "407"));
    CHECK(has(pair.dial_error->text, "127.0.0.1:" + std::to_string(proxy.listener->port())));
    CHECK(!has(pair.dial_error->text, "secret"));
    options.proxy = "https://127.0.0.1:1";
    pair.dial(endpoint, options);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "through proxy https://127.0.0.1:1"));
}

TEST_CASE("a self-signed certificate is refused where verification is asked for") {
    for (const auto kind : {CarrierKind::Wss, CarrierKind::Tls}) {
        Pair pair;
        DialOptions options = Pair::direct();
        options.verification.mode = TlsVerification::Mode::SystemAuthorities;
        pair.dial(pair.listen(kind), options);
        REQUIRE(pair.dial_error);
        CHECK(pair.dial_error->code == ErrorCode::Unauthentic);
        CHECK(has(pair.dial_error->text, "self-signed"));
    }
}

TEST_CASE("an address in use, and one that is none, are reported with their text") {
    Pair pair;
    const auto endpoint = pair.listen(CarrierKind::Tls);
    const auto again = pair.acceptor->add(endpoint);
    REQUIRE(!again);
    CHECK(has(again.error().text, "127.0.0.1:" + std::to_string(endpoint.port)));
    CHECK(has(again.error().text, "in use"));
    CHECK(!pair.acceptor->add({.kind = CarrierKind::Tls, .host = "example.com", .port = 0}));
}

TEST_CASE("one source leaves half of the places to others, and waits for its own") {
    Pair pair;
    pair.keeps_admissions = true;
    const auto endpoint = pair.listen(CarrierKind::Ws);
    const std::string upgrade =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: relayd.v1\r\n\r\n";
    std::vector<std::unique_ptr<RawClient>> clients;
    for (std::size_t i = 0; i < max_unfinished_handshakes / 2 + 10; ++i) {
        clients.push_back(std::make_unique<RawClient>(pair.loop, endpoint.port, upgrade));
    }
    pair.run_until([&] { return pair.admissions.size() == max_unfinished_handshakes / 2; });
    pair.run_until([&] { return pair.acceptor->waiting_connections() == 10; });
    RawClient other{pair.loop, endpoint.port, upgrade, "127.0.0.2"};
    pair.run_until([&] { return has(other.heard, "101"); });
    CHECK(pair.acceptor->waiting_connections() == 10);
    pair.admissions.clear();
    pair.run_until([&] { return pair.acceptor->waiting_connections() == 0; });
}

TEST_CASE("300 silent connections keep nobody out, and cost no TLS") {
    for (const auto kind : {CarrierKind::Tls, CarrierKind::Wss, CarrierKind::Ws}) {
        Pair pair;
        const auto endpoint = pair.listen(kind);
        std::vector<std::unique_ptr<RawClient>> silent;
        for (int i = 0; i < 300; ++i) {
            silent.push_back(std::make_unique<RawClient>(pair.loop, endpoint.port, ""));
        }
        pair.run_until([&] {
            return pair.acceptor->waiting_connections() >=
                   std::min<std::size_t>(300, 1024 / 4);  // Of few descriptors, few are for them.
        });
        CHECK(pair.acceptor->unfinished_handshakes() == 0);
        pair.dial(endpoint);
        CHECK(!pair.dial_error);
        pair.run_until([&] { return pair.accepted != nullptr; });
    }
}

TEST_CASE("an opening that stalls after its first bytes ends at the deadline of all of it") {
    for (const auto kind : all_kinds) {
        CAPTURE(static_cast<int>(kind));
        std::string why;
        Pair pair{{.handshake_deadline = 50ms,
                   .on_turned_away = [&](const std::string&, const char* text) { why = text; }}};
        const std::string begun = kind == CarrierKind::Ws ? "GET / HT" : "\x16\x03\x01\x02";
        RawClient slow{pair.loop, pair.listen(kind).port, begun};
        pair.run_until([&] { return slow.closed && !why.empty(); });
        CHECK(pair.acceptor->unfinished_handshakes() == 0);
        CHECK(pair.acceptor->waiting_connections() == 0);
    }
}

TEST_CASE("without descriptors accepting rests, and goes on when there are some") {
    Pair pair;
    const auto endpoint = pair.listen(CarrierKind::Tls);
    RawClient client{pair.loop, endpoint.port, "hello"};
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    const UniqueFd probe{dup(0)};
    none.rlim_cur = static_cast<rlim_t>(probe.get());
    REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    std::size_t turns = 0;
    bool late = false;
    UvTimer restore{pair.loop, [&] { late = true; }};
    restore.arm(50ms);
    for (; !late; ++turns) pair.loop.run_once();
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(turns < 20);  // It has not spun.
    CHECK(!client.closed);
    pair.run_until([&] { return client.closed; });  // Accepted, and refused for what it says.
}

TEST_CASE("hundreds of carriers come and go without a descriptor left behind") {
    Pair pair;
    const auto count_fds = [] {
        int count = 0;
        for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) != -1;
        return count;
    };
    const Endpoint endpoints[] = {pair.listen(CarrierKind::Wss), pair.listen(CarrierKind::Ws),
                                  pair.listen(CarrierKind::Tls)};
    const int before = count_fds();
    for (int round = 0; round < 60; ++round) {
        pair.dial(endpoints[round % 3]);
        REQUIRE(!pair.dial_error);
        pair.run_until([&] { return pair.accepted != nullptr; });
        Talker server;
        Talker client;
        server.start(std::move(pair.accepted));
        client.start(std::move(pair.dialled));
        if (round % 2 == 0) client.carrier->close_after_flush();
        if (round % 2 == 1) server.carrier.reset();
        pair.run_until([&] { return client.closed.has_value(); });
        if (round % 2 == 0) pair.run_until([&] { return server.closed.has_value(); });
    }
    for (int turn = 0; turn < 3; ++turn) {
        pair.loop.defer([] {});
        pair.loop.run_once();
    }
    CHECK(count_fds() == before);
    CHECK(pair.acceptor->unfinished_handshakes() == 0);
}
