#include "common/session/handshake.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>

using namespace relay;

namespace {

class SeededRandom final : public Random {
public:
    void fill(MutableBytes bytes) override {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
    }

private:
    std::mt19937 engine_{1};
};

using Binding = std::array<std::uint8_t, 32>;

// Both ends, with the bytes between them in the test's hands.
struct Pair {
    SeededRandom random;
    PrivateKey home_key = PrivateKey::generate(random);
    PrivateKey relay_key = PrivateKey::generate(random);
    SessionId resume{};
    std::optional<PrivateKey> invitation = {};
    PeerKind kind = PeerKind::Home;
    ChannelBinding home_binding = Binding{1};
    ChannelBinding relay_binding = Binding{1};
    Unbound home_unbound = Unbound::Refused;
    Unbound relay_unbound = Unbound::Refused;
    HomeHandshake home = make_home();
    RelayHandshake relay{{relay_key.public_key(), relay_binding, relay_unbound}, random};
    ByteVector to_relay, to_home;

    HomeHandshake make_home() {
        return {{.name = "work-pc",
                 .key = home_key.public_key(),
                 .resume = resume,
                 .slot = 2,
                 .binding = home_binding,
                 .invitation = invitation,
                 .kind = kind,
                 .unbound = home_unbound},
                random};
    }

    // With what was set since.
    void make_anew() {
        home = make_home();
        relay = RelayHandshake{{relay_key.public_key(), relay_binding, relay_unbound}, random};
    }

    template <typename From>
    static void move(From& from, ByteVector& to) {
        std::uint8_t room[100];
        while (const std::size_t size = from.transmit(room)) to.insert(to.end(), room, room + size);
    }

    // One byte at a time, so that every cut is tried.
    template <typename To>
    static Status feed(To& to, ByteVector& bytes) {
        ByteVector seen;
        for (const std::uint8_t byte : std::exchange(bytes, {})) {
            seen.push_back(byte);
            Bytes input = seen;
            const Status taken = to.receive(input);
            if (!taken) return taken;
            seen.assign(input.begin(), input.end());
        }
        return Done{};
    }

    // Up to and with the home's proof, as the relay sees it.
    Result<HomeProof> run_to_proof() {
        move(home, to_relay);
        if (const Status s = feed(relay, to_relay); !s) return s.error();
        const auto challenge = relay.next_event();
        relay.provide_signature(relay_key.sign(std::get<SignatureNeeded>(*challenge).message));
        move(relay, to_home);
        if (const Status s = feed(home, to_home); !s) return s.error();
        const auto proved = home.next_event();
        if (std::get<HomeHandshake::RelayProved>(*proved).key != relay_key.public_key()) {
            return Error{ErrorCode::Unauthentic, "another key"};
        }
        home.approve_relay();
        const auto proof = home.next_event();
        home.provide_signature(home_key.sign(std::get<SignatureNeeded>(*proof).message));
        move(home, to_relay);
        if (const Status s = feed(relay, to_relay); !s) return s.error();
        return std::get<HomeProof>(*relay.next_event());
    }
};

}  // namespace

TEST_CASE("both prove their keys, and a session is welcomed") {
    Pair pair;
    const auto proof = pair.run_to_proof();
    REQUIRE(proof);
    CHECK(proof->name == "work-pc");
    CHECK(proof->key == pair.home_key.public_key());
    CHECK(proof->slot == 2);
    CHECK(proof->resume == SessionId{});

    pair.relay.welcome(
        {.session = SessionId{9}, .resumed = false, .keep = std::chrono::minutes(15)});
    CHECK(pair.relay.done());
    Pair::move(pair.relay, pair.to_home);
    pair.to_home.push_back(0x13);  // What follows belongs to the session.
    Bytes input = pair.to_home;
    REQUIRE(pair.home.receive(input));
    CHECK(input.size() == 1);
    const auto event = pair.home.next_event();
    const auto& welcome = std::get<Welcome>(*event);
    CHECK(welcome.session == SessionId{9});
    CHECK_FALSE(welcome.resumed);
    CHECK(welcome.keep == std::chrono::minutes(15));
    CHECK(pair.home.done());
}

TEST_CASE("a refusal comes with its reason") {
    Pair pair;
    REQUIRE(pair.run_to_proof());
    pair.relay.refuse({RefusalReason::UnknownKey, "no home has this key"});
    Pair::move(pair.relay, pair.to_home);
    REQUIRE(Pair::feed(pair.home, pair.to_home));
    const auto event = pair.home.next_event();
    CHECK(std::get<Refusal>(*event).reason == RefusalReason::UnknownKey);
    CHECK(std::get<Refusal>(*event).text == "no home has this key");
}

TEST_CASE("a relay in between, with a TLS connection of its own on each side, is found out") {
    Pair pair;
    pair.relay_binding = Binding{2};
    pair.relay = RelayHandshake{{pair.relay_key.public_key(), pair.relay_binding}, pair.random};
    const auto proof = pair.run_to_proof();
    REQUIRE_FALSE(proof);
    CHECK(proof.error().code == ErrorCode::Unauthentic);
}

TEST_CASE("TLS at one end only is found out") {
    Pair pair;
    pair.relay =
        RelayHandshake{{pair.relay_key.public_key(), std::nullopt, Unbound::Accepted}, pair.random};
    CHECK_FALSE(pair.run_to_proof());
}

TEST_CASE("a key that the home does not have proves nothing") {
    Pair pair;
    pair.home_key = PrivateKey::generate(pair.random);  // Signs; the other one was announced.
    const auto proof = pair.run_to_proof();
    REQUIRE_FALSE(proof);
    CHECK(proof.error().code == ErrorCode::Unauthentic);
}

TEST_CASE("every flipped bit of the relay's proof is noticed") {
    Pair first;
    Pair::move(first.home, first.to_relay);
    REQUIRE(Pair::feed(first.relay, first.to_relay));
    const auto needed = first.relay.next_event();
    first.relay.provide_signature(first.relay_key.sign(std::get<SignatureNeeded>(*needed).message));
    Pair::move(first.relay, first.to_home);
    for (std::size_t i = 5; i < first.to_home.size(); ++i) {
        Pair other;  // The same seed: the same nonce.
        ByteVector hello;
        Pair::move(other.home, hello);
        ByteVector forged = first.to_home;
        forged[i] ^= 1;
        CAPTURE(i);
        CHECK_FALSE(Pair::feed(other.home, forged));
    }
}

TEST_CASE("an invited home proves its invitation, and is welcomed to no session") {
    Pair pair;
    pair.invitation = PrivateKey::generate(pair.random);
    pair.home = pair.make_home();
    const auto proof = pair.run_to_proof();
    REQUIRE(proof);
    CHECK(proof->key == pair.home_key.public_key());
    CHECK(proof->invitation == pair.invitation->public_key());
    pair.relay.welcome({});
    Pair::move(pair.relay, pair.to_home);
    REQUIRE(Pair::feed(pair.home, pair.to_home));
    const auto event = pair.home.next_event();
    CHECK(std::get<Welcome>(*event).session == SessionId{});
}

TEST_CASE("a visitor says that it is one, and a home that it is none") {
    for (const PeerKind kind : {PeerKind::Home, PeerKind::Visitor}) {
        Pair pair;
        pair.kind = kind;
        pair.home = pair.make_home();
        const auto proof = pair.run_to_proof();
        REQUIRE(proof);
        CHECK(proof->kind == kind);
        CHECK_FALSE(proof->invitation);
    }
}

TEST_CASE("only an invited home is welcomed to no session, and to nothing else") {
    for (const bool invited : {true, false}) {
        Pair pair;
        if (invited) pair.invitation = PrivateKey::generate(pair.random);
        pair.home = pair.make_home();
        REQUIRE(pair.run_to_proof());
        pair.relay.welcome({.session = invited ? SessionId{9} : SessionId{}});
        Pair::move(pair.relay, pair.to_home);
        CHECK_FALSE(Pair::feed(pair.home, pair.to_home));
    }
}

// What an attacker can do who saw another home's invited PROOF: take parts of it.
TEST_CASE("each byte of an invited proof is covered by both signatures") {
    for (std::size_t i = 3;; ++i) {
        Pair pair;
        pair.invitation = PrivateKey::generate(pair.random);
        pair.home = pair.make_home();
        Pair::move(pair.home, pair.to_relay);
        REQUIRE(Pair::feed(pair.relay, pair.to_relay));
        const auto challenge = pair.relay.next_event();
        pair.relay.provide_signature(
            pair.relay_key.sign(std::get<SignatureNeeded>(*challenge).message));
        Pair::move(pair.relay, pair.to_home);
        REQUIRE(Pair::feed(pair.home, pair.to_home));
        (void)pair.home.next_event();
        pair.home.approve_relay();
        const auto proof = pair.home.next_event();
        pair.home.provide_signature(pair.home_key.sign(std::get<SignatureNeeded>(*proof).message));
        Pair::move(pair.home, pair.to_relay);
        if (i >= pair.to_relay.size()) break;
        pair.to_relay[i] ^= 1;
        CAPTURE(i);
        const Status taken = Pair::feed(pair.relay, pair.to_relay);
        // A length that grew leaves the relay waiting for bytes that never come.
        CHECK((!taken || !pair.relay.next_event()));
    }
}

TEST_CASE("a relay with no version in common refuses") {
    Pair pair;
    Pair::move(pair.home, pair.to_relay);
    pair.to_relay[3] = 0;
    pair.to_relay[4] = 7;
    pair.to_relay[5] = 0;
    pair.to_relay[6] = 9;
    REQUIRE(Pair::feed(pair.relay, pair.to_relay));
    Pair::move(pair.relay, pair.to_home);
    REQUIRE(Pair::feed(pair.home, pair.to_home));
    const auto event = pair.home.next_event();
    CHECK(std::get<Refusal>(*event).reason == RefusalReason::NoVersion);
}

TEST_CASE("a later version that speaks ours too is welcome") {
    Pair pair;
    Pair::move(pair.home, pair.to_relay);
    pair.to_relay[6] = 9;  // version-max
    REQUIRE(Pair::feed(pair.relay, pair.to_relay));
    CHECK(pair.relay.next_event().has_value());
}

TEST_CASE("frames out of turn and over the limit of a handshake end it") {
    const ByteVector cases[] = {
        {0x03, 0, 0},              // PROOF before HELLO.
        {0x10, 0, 17},             // DATA, once it has come in full.
        {0x01, 0x10, 0x00},        // A HELLO of 4 KiB.
        {0x01, 0, 4, 0, 1, 0, 0},  // A HELLO cut short, with its lowest version over its highest.
    };
    for (ByteVector bytes : cases) {
        Pair pair;
        bytes.resize(bytes.size() + 40);
        CHECK_FALSE(Pair::feed(pair.relay, bytes));
    }
}

TEST_CASE("a handshake goes without binding only where both ends were told so") {
    for (const bool home_has_tls : {false, true}) {
        for (const auto home : {Unbound::Refused, Unbound::Accepted}) {
            for (const auto relay : {Unbound::Refused, Unbound::Accepted}) {
                CAPTURE(home_has_tls);
                Pair pair;
                pair.home_binding = home_has_tls ? ChannelBinding{Binding{1}} : std::nullopt;
                pair.relay_binding = std::nullopt;
                pair.home_unbound = home;
                pair.relay_unbound = relay;
                pair.make_anew();
                Pair::move(pair.home, pair.to_relay);
                REQUIRE(Pair::feed(pair.relay, pair.to_relay));
                const auto challenge = pair.relay.next_event();
                if (relay == Unbound::Refused) {
                    CHECK_FALSE(challenge);
                    Pair::move(pair.relay, pair.to_home);
                    REQUIRE(Pair::feed(pair.home, pair.to_home));
                    const auto refusal = pair.home.next_event();
                    CHECK(std::get<Refusal>(*refusal).reason == RefusalReason::NotBound);
                    continue;
                }
                REQUIRE(challenge);
                pair.relay.provide_signature(
                    pair.relay_key.sign(std::get<SignatureNeeded>(*challenge).message));
                Pair::move(pair.relay, pair.to_home);
                const Status heard = Pair::feed(pair.home, pair.to_home);
                CHECK(static_cast<bool>(heard) == (home == Unbound::Accepted));
                if (heard) continue;
                CHECK(heard.error().code == ErrorCode::Unauthentic);
                CHECK((heard.error().text.find("tls-ended-by-proxy") != std::string::npos) ==
                      home_has_tls);
            }
        }
    }
}

TEST_CASE("through a proxy that ends TLS a home proves its key to a relay that trusts it") {
    Pair pair;
    pair.relay_binding = std::nullopt;
    pair.home_unbound = pair.relay_unbound = Unbound::Accepted;
    pair.make_anew();
    const auto proof = pair.run_to_proof();
    REQUIRE(proof);
    CHECK(proof->key == pair.home_key.public_key());
}

TEST_CASE("whoever may go without binding is bound where TLS reaches through") {
    Pair pair;
    pair.home_unbound = pair.relay_unbound = Unbound::Accepted;
    pair.make_anew();
    REQUIRE(pair.run_to_proof());

    // So that a relay that ends TLS itself takes no proof that was made for another connection.
    Pair other;
    other.home_unbound = other.relay_unbound = Unbound::Accepted;
    other.relay_binding = Binding{2};
    other.make_anew();
    CHECK_FALSE(other.run_to_proof());
}

TEST_CASE("a relay that ends TLS takes no unbound proof") {
    Pair pair;
    pair.home_unbound = Unbound::Accepted;
    pair.home_binding = std::nullopt;
    pair.make_anew();
    CHECK_FALSE(pair.run_to_proof());
}
