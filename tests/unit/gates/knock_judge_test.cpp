#include "common/gates/knock_judge.h"

#include <doctest/doctest.h>

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t noon = 1'800'000'000'000;

PrivateKey key_of(std::uint8_t number) {
    PrivateKey::Seed seed;
    seed.room().front() = number;
    return PrivateKey{seed};
}

IpAddress address(std::string_view text = "192.0.2.7") {
    return *parse_ip_address(text);
}

struct Scene {
    PrivateKey alice = key_of(1);
    PrivateKey mallory = key_of(2);
    KnockJudge judge{TimePoint{}};
    TimePoint now{};
    std::uint8_t nonces = 0;

    Scene() { judge.set_rights({{alice.public_key(), "alice", {}, {"ssh", "desktop"}}}); }

    ByteVector packet(const std::string& gate = "ssh", std::uint64_t unix_ms = noon) {
        SignedKnock knock{.key = key_id_of(alice.public_key()), .unix_ms = unix_ms, .gate = gate};
        knock.nonce[0] = ++nonces;
        return knock_packet(knock, alice.sign(knock_to_sign(knock)));
    }

    Result<KnockJudge::Opening> ask(const ByteVector& bytes, std::uint64_t unix_ms = noon) {
        return judge.judge(bytes, address(), {unix_ms, now += 1s});
    }
};

ErrorCode code_of(const Result<KnockJudge::Opening>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

}  // namespace

TEST_CASE("a knock opens what it names, or all that its key may open") {
    Scene scene;
    const auto one = scene.ask(scene.packet("ssh"));
    REQUIRE(one);
    CHECK(one->who == "alice");
    CHECK(one->gates == std::vector<std::string>{"ssh"});
    const auto all = scene.ask(scene.packet(""));
    REQUIRE(all);
    CHECK(all->gates == std::vector<std::string>{"ssh", "desktop"});
    CHECK(code_of(scene.ask(scene.packet("other"))) == ErrorCode::Refused);
}

TEST_CASE("who came at run time knocks where a gate names him, from where his key may come") {
    Settings settings;
    settings.relay.emplace();
    auto& bob = settings.relay->visitors["bob"];
    bob.from = {*parse_cidr("192.0.2.0/24")};
    bob.keys = {{key_of(3).public_key(), "", {"192.0.2.7", "198.51.100.1"}},
                {key_of(4).public_key(), "", {"*.example.com"}}};
    settings.gates["ssh"].visitors = {"alice", "bob"};
    const auto rights = knock_rights(
        settings, {{"alice", key_of(1).public_key(), {}}, {"mallory", key_of(2).public_key(), {}}});
    REQUIRE(rights.size() == 2);
    CHECK(rights[0].name == "alice");
    CHECK(rights[0].gates == std::vector<std::string>{"ssh"});
    CHECK(rights[1].name == "bob");
    CHECK(rights[1].from == std::vector{*parse_cidr("192.0.2.7")});
}

TEST_CASE("a knock opens once, also after a restart") {
    Scene scene;
    const auto packet = scene.packet();
    REQUIRE(scene.ask(packet));
    CHECK(code_of(scene.ask(packet)) == ErrorCode::Refused);
    Scene later;
    later.judge.remember(scene.judge.remembered(), noon + 30'000);
    CHECK(code_of(later.ask(packet, noon + 30'000)) == ErrorCode::Refused);
    CHECK(later.ask(scene.packet(), noon + 30'000));
}

TEST_CASE("what is remembered is needed as long as its time is not over, and forgotten then") {
    Scene scene;
    REQUIRE(scene.ask(scene.packet("ssh", noon + KnockJudge::window_ms)));
    REQUIRE(scene.ask(scene.packet("ssh", noon + 2 * KnockJudge::window_ms),
                      noon + 2 * KnockJudge::window_ms));
    CHECK(scene.judge.remembered().size() == 2 * (32 + 1 + 13 + 1));
    const auto far = noon + 10 * KnockJudge::window_ms;
    REQUIRE(scene.ask(scene.packet("ssh", far), far));
    CHECK(scene.judge.remembered().size() == 32 + 1 + 13 + 1);
    scene.judge.remember("garbage\n\nffff 1\n zz\n" + std::string(32, 'x') + " 7\n", far);
    CHECK(scene.judge.remembered().size() == 32 + 1 + 13 + 1);
}

TEST_CASE("a knock of another time opens nothing") {
    Scene scene;
    for (const auto when : {noon - KnockJudge::window_ms - 1, noon + KnockJudge::window_ms + 1,
                            std::uint64_t{0}, UINT64_MAX}) {
        CHECK(code_of(scene.ask(scene.packet("ssh", when))) == ErrorCode::Refused);
    }
    CHECK(scene.ask(scene.packet("ssh", noon - KnockJudge::window_ms)));
}

TEST_CASE("a packet that is changed anywhere opens nothing, nor does one that is cut or longer") {
    Scene scene;
    const auto packet = scene.packet("desktop");
    for (std::size_t i = 0; i < packet.size(); ++i) {
        for (const unsigned bit : {1U, 128U}) {
            auto changed = packet;
            changed[i] = static_cast<std::uint8_t>(changed[i] ^ bit);
            CHECK_FALSE(scene.ask(changed));
        }
        CHECK_FALSE(scene.ask({packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(i)}));
    }
    auto longer = packet;
    longer.push_back(0);
    CHECK_FALSE(scene.ask(longer));
    CHECK(scene.ask(packet));
}

TEST_CASE("nobody signs for another") {
    Scene scene;
    SignedKnock knock{.key = key_id_of(scene.alice.public_key()), .unix_ms = noon, .gate = "ssh"};
    CHECK(code_of(scene.ask(knock_packet(knock, scene.mallory.sign(knock_to_sign(knock))))) ==
          ErrorCode::Unauthentic);
    knock.key = key_id_of(scene.mallory.public_key());
    CHECK(code_of(scene.ask(knock_packet(knock, scene.mallory.sign(knock_to_sign(knock))))) ==
          ErrorCode::Malformed);
}

TEST_CASE("a key holds from its networks only") {
    Scene scene;
    scene.judge.set_rights(
        {{scene.alice.public_key(), "alice", {*parse_cidr("198.51.100.0/24")}, {"ssh"}}});
    CHECK(code_of(scene.ask(scene.packet())) == ErrorCode::Refused);
    CHECK(scene.judge.judge(scene.packet(), address("198.51.100.9"), {noon, scene.now}));
}

TEST_CASE("signatures are checked so many times a second, whoever asks") {
    Scene scene;
    SignedKnock knock{.key = key_id_of(scene.alice.public_key()), .unix_ms = noon, .gate = "ssh"};
    const auto forged = knock_packet(knock, Signature{});
    std::size_t checked = 0;
    for (int i = 0; i < 10'000; ++i) {
        const auto result = scene.judge.judge(forged, address(), {noon, TimePoint{} + 1s});
        checked += result.error().code == ErrorCode::Unauthentic ? 1 : 0;
    }
    CHECK(checked <= KnockJudge::checks_at_once + KnockJudge::checks_per_second);
    CHECK(checked >= KnockJudge::checks_at_once);
    CHECK(scene.judge.judge(scene.packet(), address(), {noon, TimePoint{} + 3s}));
}

}  // namespace relay
