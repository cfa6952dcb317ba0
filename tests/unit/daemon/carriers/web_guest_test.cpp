#include "daemon/carriers/web_guest.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <random>

#include "daemon/io/system_clock.h"
#include "tests/unit/daemon/carriers/harness.h"
#include "tests/unit/daemon/io/loopback.h"

using namespace relay;
using namespace relay::testing;
using namespace std::chrono_literals;

namespace {

// Non-blocking, as everything of a test that shares its thread with the loop.
struct End {
    UniqueFd fd;
    std::string heard;
    bool has_ended = false;

    // How much of it went.
    std::size_t say(std::string_view text) const {
        const auto size = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return size < 0 ? 0 : static_cast<std::size_t>(size);
    }

    void hear(std::size_t most = SIZE_MAX) {
        std::string room(1 << 20, '\0');
        while (fd && !has_ended && most > 0) {
            const auto size =
                recv(fd.get(), room.data(), std::min(most, room.size()), MSG_DONTWAIT);
            if (size < 0 && errno == EAGAIN) return;
            has_ended = size <= 0;
            most -= static_cast<std::size_t>(std::max<ssize_t>(size, 0));
            heard.append(room, 0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        }
    }
};

// A guest of a relay whose path is /relayd, and the site it is a guest of.
struct House : Harness {
    UniqueFd site = loopback::listen_on(loopback::any_port(AF_INET));
    End client;
    End server;
    End poll;  // Where tunnels go.
    bool has_room = true;
    std::optional<std::string> over;  // Why.
    std::unique_ptr<WebGuest> guest;
    UvTimer tick{loop, [this] { tick.arm(1ms); }};

    ~House() { guest.reset(); }

    void come(Duration patience = 60s) {
        fcntl(site.get(), F_SETFL, O_NONBLOCK);
        auto pair = loopback::connection();
        fcntl(pair.accepted.get(), F_SETFL, O_NONBLOCK);
        client.fd = std::move(pair.connected);
        const auto address = loopback::address_of(site.get());
        const auto port = ntohs(reinterpret_cast<const sockaddr_in&>(address.storage).sin_port);
        WebGuest::Plan plan{.fd = std::move(pair.accepted),
                            .tls = nullptr,
                            .whence = {"192.0.2.7:4711", "192.0.2.7:4711", false},
                            .path = "/relayd",
                            .fallback = {.to = {"127.0.0.1", port}},
                            .trusted_proxies = {},
                            .admission = {nullptr, now() + patience}};
        guest = std::make_unique<WebGuest>(
            loop, std::move(plan),
            WebGuest::House{
                .polls = [](std::string_view path) { return path == "/relayd/poll"; },
                .place =
                    [this](const std::string&) {
                        return has_room ? std::make_shared<int>() : nullptr;
                    },
                .on_poll = [this](UniqueFd fd, const Whence&,
                                  const Admission&) { poll.fd = std::move(fd); },
                .on_carrier = [](OpenedSocket, Admission) { FAIL("no carrier was asked for"); },
                .on_over =
                    [this](const char* why) {
                        over = why == nullptr ? "" : why;
                        guest.reset();
                    }});
    }

    // Turns the loop at least every millisecond.
    void until(const std::function<bool()>& reached) {
        tick.arm(1ms);
        run_until(reached);
    }

    void meet_server() {
        until([&] {
            server.fd =
                UniqueFd{accept4(site.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
            return static_cast<bool>(server.fd);
        });
    }

    // Its head, if nothing follows it yet.
    std::string hear_request() {
        until([&] {
            server.hear();
            return server.heard.ends_with("\r\n\r\n");
        });
        return std::exchange(server.heard, {});
    }
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i % 251 + i / 65521);
    return text;
}

// A body of chunks of all sizes.
std::string chunked(std::size_t size) {
    std::minstd_rand sizes{7};
    std::string body;
    while (body.size() < size) {
        const std::size_t chunk = 1 + sizes() % 40'000;
        body += fmt::format("{:x}\r\n", chunk) + pattern(chunk) + "\r\n";
    }
    return body + "0\r\n\r\n";
}

// What is sent, in pieces of all sizes, while the other end listens only when nothing has moved for
// a while: then to all that is there at once.
void carry(House& house, End& from, End& to, std::string_view sent, std::minstd_rand sizes) {
    const std::size_t all = sent.size();
    int still = 0;
    house.until([&] {
        const std::size_t moved = from.say(sent.substr(0, sizes() % 100'000));
        sent.remove_prefix(moved);
        still = moved > 0 ? 0 : still + 1;
        if (still > 2) to.hear(sizes() % 4 == 0 ? SIZE_MAX : sizes() % 100'000);
        return to.heard.size() >= all || to.has_ended;
    });
}

}  // namespace

TEST_CASE("an upload reaches a server that reads by fits and starts") {
    const std::string body = chunked(24 << 20);
    for (unsigned seed = 1; seed <= 8; ++seed) {
        CAPTURE(seed);
        House house;
        house.come();
        house.client.say("POST /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        house.meet_server();
        CHECK(house.hear_request().find("X-Forwarded-For: 192.0.2.7\r\n") != std::string::npos);
        carry(house, house.client, house.server, body, std::minstd_rand{seed});
        CHECK(house.server.heard == body);
        CHECK(!house.over);
    }
}

TEST_CASE("an answer reaches a client that reads by fits and starts, and then the end") {
    const std::string body = pattern(24 << 20);
    House house;
    house.come();
    house.client.say("GET /down HTTP/1.0\r\n\r\n");
    house.meet_server();
    carry(house, house.server, house.client, body, std::minstd_rand{1});
    CHECK(house.client.heard == body);
    house.server.fd.reset();
    house.until([&] {
        house.client.hear();
        return house.client.has_ended;
    });
    house.client.fd.reset();
    house.until([&] { return house.over.has_value(); });
    CHECK(house.over == "");
}

TEST_CASE("an upgraded connection carries both ways at once") {
    const std::string said = pattern(3 << 20);
    House house;
    house.come();
    house.client.say(
        "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    house.meet_server();
    house.hear_request();
    const std::string agreed = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    house.server.say(agreed);
    std::string_view up = said;
    std::string_view down = said;
    house.until([&] {
        up.remove_prefix(house.client.say(up));
        down.remove_prefix(house.server.say(down));
        house.client.hear();
        house.server.hear();
        return (house.server.heard.size() == said.size() &&
                house.client.heard.size() == agreed.size() + said.size()) ||
               house.over;
    });
    CHECK(house.server.heard == said);
    CHECK(house.client.heard == agreed + said);
}

TEST_CASE("a client that has said all hears the answer still") {
    House house;
    house.come();
    house.client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(house.client.fd.get(), SHUT_WR);
    house.meet_server();
    house.until([&] {
        house.server.hear();
        return house.server.has_ended;
    });
    house.server.say("HTTP/1.1 204 No Content\r\n\r\n");
    house.server.fd.reset();
    house.until([&] { return house.over.has_value(); });
    house.client.hear();
    CHECK(house.client.heard == "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_CASE("whoever asks for nothing goes when its time is over") {
    for (const char* beginning : {"", "GET / HTTP/1.1\r\nHo"}) {
        House house;
        house.come(20ms);
        house.client.say(beginning);
        house.until([&] { return house.over.has_value(); });
        CHECK(house.over == "it asked for nothing in time");
    }
}

TEST_CASE("without room, or without a server, the client hears why") {
    House full;
    full.has_room = false;
    full.come();
    full.client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    House alone;
    alone.come();
    alone.site.reset();
    alone.client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (auto* house : {&full, &alone}) {
        house->until([&] {
            house->client.hear();
            return house->client.has_ended;
        });
    }
    CHECK(full.client.heard.starts_with("HTTP/1.1 503 "));
    CHECK(alone.client.heard.starts_with("HTTP/1.1 502 "));
}

TEST_CASE("a tunnel's requests go to whoever serves these, as they are") {
    House house;
    house.come();
    const std::string asked = "GET /relayd/poll HTTP/1.1\r\nHost: x\r\n\r\n";
    house.client.say(asked);
    house.until([&] {
        house.poll.hear();
        return house.poll.heard.size() >= asked.size();
    });
    CHECK(house.poll.heard == asked);
    house.poll.say("HTTP/1.1 200 OK\r\n\r\n");
    house.until([&] {
        house.client.hear();
        return !house.client.heard.empty();
    });
    CHECK(house.client.heard == "HTTP/1.1 200 OK\r\n\r\n");
}
