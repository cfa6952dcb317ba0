// The ends of FTP control connections, killed between any two steps: each next process has only the
// record, and what the kernel counts of the socket.
#include "common/protocols/ftp_record.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>

#include "common/protocols/ftp_ends.h"

using namespace relay;

namespace {

// What one side says, and what the other has said to that.
struct Turn {
    std::string said;
    std::string answered;
};

struct Script {
    std::vector<Turn> turns;

    std::string said() const {
        std::string all;
        for (const Turn& turn : turns) all += turn.said;
        return all;
    }
    // What can have come by the stream once the local socket has said so much.
    std::string answers(std::uint64_t seen) const {
        std::string all;
        std::size_t told = 0;
        for (const Turn& turn : turns) {
            told += turn.said.size();
            if (told > seen) break;
            all += turn.answered;
        }
        return all;
    }
};

std::optional<std::uint16_t> open_data(std::uint16_t far_port) {
    return static_cast<std::uint16_t>(far_port + 10000);
}

std::unique_ptr<FtpEnd> client_end(FtpRecord& record) {
    return std::make_unique<FtpClientEnd>(
        record, FtpClientEnd::Options{*parse_ip_address("192.0.2.1"),
                                      *parse_ip_address("198.51.100.7"), open_data});
}

std::unique_ptr<FtpEnd> server_end(FtpRecord& record) {
    return std::make_unique<FtpServerEnd>(
        record, FtpServerEnd::Options{*parse_ip_address("10.0.0.2"), *parse_ip_address("10.0.0.1"),
                                      open_data});
}

// What outlives a process, and what it was about.
struct World {
    using Make = std::unique_ptr<FtpEnd> (&)(FtpRecord&);
    World(const Script& to_say, Make make_end, unsigned seed)
        : script(to_say), text(to_say.said()), make(make_end), random(seed) {}

    std::size_t below(std::size_t n) { return random() % n; }
    bool is_killed() { return kills && below(5) == 0; }
    bool is_over() const { return given == text.size() && taken == all_answers().size(); }
    std::string all_answers() const { return script.answers(text.size()); }

    // What a killed process had begun to write is no more to be believed.
    void tear() {
        std::uint64_t turn = 0;
        auto* bytes = reinterpret_cast<std::uint8_t*>(record.get());
        std::memcpy(&turn, bytes + 2 * sizeof(FtpState), sizeof turn);
        std::memset(bytes + (turn + 1) % 2 * sizeof(FtpState), 0xa5, below(sizeof(FtpState)));
    }

    // Until it is killed, or a while.
    void live() {
        std::uint64_t socket_given = given, socket_taken = got.size();
        REQUIRE(record->go_on(socket_given, socket_taken));
        REQUIRE(socket_given == stream.size());
        REQUIRE(socket_taken >= taken);
        taken = socket_taken;
        const auto end = make(*record);
        given += record->owed_out();
        for (std::size_t steps = 1 + below(20); steps > 0 && !is_over(); --steps) {
            if (!(below(2) == 0 ? hear(*end) : tell(*end))) break;
        }
        tear();
    }

    bool hear(FtpEnd& end) {
        std::string looked = text.substr(given, 1 + below(below(9) == 0 ? 2000 : 40));
        if (looked.empty()) return true;
        end.saw({reinterpret_cast<std::uint8_t*>(looked.data()), looked.size()});
        if (is_killed()) return false;
        end.commit();
        stream += looked;
        if (is_killed()) return false;
        given += 1 + below(looked.size());
        if (is_killed()) return false;
        given = stream.size();
        return true;
    }

    bool tell(FtpEnd& end) {
        const std::string all = script.answers(given);
        // Some of it has come again.
        const std::string came = all.substr(taken, taken < all.size() ? 1 + below(2000) : 0);
        const std::size_t cut = below(came.size() + 1);
        const std::array<Bytes, 2> held = {bytes_of(came).first(cut), bytes_of(came).subspan(cut)};
        if (end.is_passed()) {
            const bool has_next = end.plan(held, came.size() == all_answers().size() - taken);
            if (is_killed()) return false;
            if (!has_next) return true;
            end.commit();
            if (is_killed()) return false;
        }
        const Bytes next = end.next(held);
        if (next.empty()) return true;
        const std::size_t count = 1 + below(next.size());
        got += text_of(next.first(count));
        if (is_killed()) return false;
        taken += end.given(count);
        return true;
    }

    const Script& script;
    const std::string text;
    const Make make;
    std::mt19937 random;
    bool kills = false;
    std::unique_ptr<FtpRecord> record = std::make_unique<FtpRecord>();
    std::uint64_t given = 0;  // By the local socket, as the kernel counts it.
    std::string got;          // What it was given.
    std::string stream;       // What the stream has of what it said,
    std::uint64_t taken = 0;  // and how much was taken of what came by it.
};

void must_be_the_same(const Script& script, World::Make make, const std::string& expected) {
    for (unsigned seed = 0; seed < 400; ++seed) {
        CAPTURE(seed);
        World world{script, make, seed};
        world.kills = seed > 0;
        for (int lives = 0; !world.is_over(); ++lives) {
            REQUIRE(lives < 20000);
            world.live();
            REQUIRE(expected.starts_with(world.got));
        }
        CHECK(world.got == expected);
        CHECK(world.stream == script.said());
        const FtpState& left = world.record->now();
        const auto end = make(*world.record);
        CHECK(left.doors.count == (end->is_opaque() ? 0 : 2));
    }
}

const std::string long_line(3 * ftp_line_most_bytes, 'x');

}  // namespace

TEST_CASE("a client's end loses and doubles nothing, whenever it is killed") {
    const Script script{{{"", "220-Line one\r\n227 (1,2,3,4,5,6)\r\n220 ready\r\n"},
                         {"USER a\r\nPASV\r\nPWD\r\n",
                          "331 go on\r\n227 Entering (10,0,0,2,85,241).\r\n257 \"/\"\r\n"},
                         {"STOR " + long_line + "\r\n", "550-" + long_line + "\r\n550 no\r\n"},
                         {"EPSV\r\n", "229 (|||22002|)\r\n"},
                         {"EPRT |1|192.0.2.1|22005|\r\nNOOP\r\n", "200 ok\r\n200 noop\r\n221 b"}}};
    must_be_the_same(script, client_end,
                     "220-Line one\r\n227 (1,2,3,4,5,6)\r\n220 ready\r\n331 go on\r\n"
                     "227 Entering Passive Mode (198,51,100,7,125,1).\r\n257 \"/\"\r\n550-" +
                         long_line +
                         "\r\n550 no\r\n229 Entering Extended Passive Mode (|||32002|)\r\n"
                         "200 ok\r\n200 noop\r\n221 b");
}

TEST_CASE("a server's end loses and doubles nothing, whenever it is killed") {
    const Script script{{{"220 ready\r\n", "USER a\r\nPORT 192,0,2,1,85,241\r\nEPSV 1\r\n"},
                         {"331 go on\r\n200 ok\r\n229 (|||22002|)\r\n", "PORT 1,2\r\nNOOP\r\n"},
                         {"501 no\r\n200 noop\r\n", "EPRT |1|192.0.2.1|22005|\r\nQUIT"}}};
    must_be_the_same(script, server_end,
                     "USER a\r\nPORT 10,0,0,1,125,1\r\nEPSV\r\nPORT 0,0,0,0,0,0\r\nNOOP\r\n"
                     "PORT 10,0,0,1,125,5\r\nQUIT");
}

TEST_CASE("what is TLS passes as it is, whenever it is killed") {
    const std::string secret = std::string{"\x16\x03\0\n\r", 5} + long_line;
    const Script script{{{"", "220 ready\r\n"}, {"AUTH TLS\r\n", "234 go\r\n"}, {secret, secret}}};
    must_be_the_same(script, client_end, "220 ready\r\n234 go\r\n" + secret);
}

TEST_CASE("a record that makes no sense, or whose socket is elsewhere, is not gone on with") {
    const auto record = std::make_unique<FtpRecord>();
    const auto goes_on = [&](std::uint64_t given, std::uint64_t taken) {
        FtpRecord copy = *record;
        return copy.go_on(given, taken);
    };
    FtpState state;
    state.seen = 10;
    state.passage = {.stream = 50, .socket = 60, .as_is = 5, .replaced = 7, .text_size = 3};
    record->move_to(state);
    CHECK(goes_on(10, 60));
    CHECK_FALSE(goes_on(11, 60));
    CHECK_FALSE(goes_on(10, 59));
    CHECK_FALSE(goes_on(10, 69));
    for (const auto& [taken, expected] : {std::pair{60, 50}, std::pair{64, 54}, std::pair{65, 55},
                                          std::pair{67, 55}, std::pair{68, 62}}) {
        FtpRecord copy = *record;
        std::uint64_t given = 4, position = static_cast<std::uint64_t>(taken);
        REQUIRE(copy.go_on(given, position));
        CHECK(copy.owed_out() == 6);
        CHECK(given == 10);
        CHECK(position == static_cast<std::uint64_t>(expected));
    }
    // Whatever lies there instead.
    std::mt19937 random{1};
    for (int i = 0; i < 2000; ++i) {
        FtpRecord copy = *record;
        auto* bytes = reinterpret_cast<std::uint8_t*>(&copy);
        for (int spots = 0; spots < 50; ++spots) {
            bytes[random() % sizeof copy] = static_cast<std::uint8_t>(random());
        }
        std::uint64_t given = 10, taken = 60;
        if (!copy.go_on(given, taken)) continue;
        const auto end = client_end(copy);
        std::string line = "PASV\r\nEPRT |1|192.0.2.1|22005|\r\n";
        end->saw({reinterpret_cast<std::uint8_t*>(line.data()), line.size()});
        if (end->is_passed()) (void)end->plan({bytes_of("227 (1,2,3,4,85,241)\r\n"), {}}, false);
        (void)end->next({bytes_of("227 (1,2,3,4,85,241)\r\n"), {}});
        end->commit();
    }
}
