// Going on with sealed streams that a killed process has left.
#include <doctest/doctest.h>

#include <functional>
#include <string_view>

#include "common/sealing/record_sealer.h"
#include "tests/unit/session/killed_process.h"

using namespace relay;

namespace {

// A home with one stream that is sealed: 5 bytes of a handshake, then records.
struct SealedHome {
    SealedHome() {
        home.session.attach(carrier, {});
        relay.session.attach(carrier, {});
        exchange(home.session, relay.session);
        const auto opened = relay.session.open(
            {.host = "127.0.0.1", .port = 22, .visitor = "alice", .sealed_for = PublicKey{}}, {});
        REQUIRE(opened);
        stream = *opened;
        exchange(home.session, relay.session);
        const auto events = events_of(home.session);
        REQUIRE(count_of<StreamOpened>(events) == 1);
        SealRecord seal;
        seal.phase = SealRecord::Phase::Sealed;
        seal.kind = AeadKind::ChaCha20Poly1305;
        seal.out = SealedPlace{{.stream = 5}};
        seal.in = SealedPlace{SealedWay{}};
        write(home.session, stream, "hello");
        REQUIRE(home.session.keep_seal(stream, seal));
        home.session.connected(stream, a_socket);
    }

    // Returns what is to be said with wrote().
    std::size_t seal(std::string_view text) {
        RecordSealer sealer{AeadKind::ChaCha20Poly1305, home.session.seal(stream)->out};
        const auto sealed = sealer.seal(bytes_of(text), home.session.write_space_of(stream, 64));
        REQUIRE(sealed.taken == text.size());
        sealer.commit();
        return sealed.written;
    }

    Process home{Side::Home};
    Process relay{Side::Relay};
    StreamId stream{};
};

std::unique_ptr<Process> go_on_given(const Memory& left, std::uint64_t given) {
    return go_on(left, [given](const LocalSocket&, const SocketPosition&) {
        return SocketPosition{.given = given};
    });
}

}  // namespace

TEST_CASE("what was sealed and not taken off its socket is taken off by the next process") {
    SealedHome sealed;
    const std::size_t written = sealed.seal("abc");
    for (const bool has_wrote : {false, true}) {
        if (has_wrote) sealed.home.session.wrote(sealed.stream, written);
        const Memory left = sealed.home.photograph();
        for (const std::uint64_t given : {0, 2, 3}) {
            CAPTURE(given);
            const auto next = go_on_given(left, given);
            REQUIRE(next->session.has(sealed.stream));
            CHECK(next->session.info(sealed.stream)->bytes_written == 5 + written);
            CHECK(next->session.info(sealed.stream)->sealed_with == PublicKey{});
            CHECK(next->session.seal(sealed.stream)->owed_out == 3 - given);
            CHECK(next->session.seal(sealed.stream)->out.now().records == 1);
        }
    }
}

TEST_CASE(
    "where the kernel does not count, it is a sealed stream's own count that is asked about") {
    SealedHome sealed;
    sealed.home.session.wrote(sealed.stream, sealed.seal("abc"));
    sealed.home.session.seal(sealed.stream)->socket_given = 1;
    sealed.home.session.seal(sealed.stream)->socket_taken = 0;
    SocketPosition written_down;
    const auto next =
        go_on(sealed.home.photograph(), [&](const LocalSocket&, const SocketPosition& stored) {
            written_down = stored;
            return SocketPosition{.given = 2, .taken = 7};
        });
    CHECK(written_down.given == 1);
    CHECK(written_down.taken == 0);
    REQUIRE(next->session.has(sealed.stream));
    const SealRecord& seal = *next->session.seal(sealed.stream);
    CHECK(seal.owed_out == 1);
    CHECK(seal.owed_in == 7);
    CHECK(seal.socket_given == 2);
    CHECK(seal.socket_taken == 7);
}

TEST_CASE("the end of a sealed stream hears that nothing follows a part that waits for more") {
    SealedHome sealed;
    write(sealed.relay.session, sealed.stream, "ab");
    exchange(sealed.relay.session, sealed.home.session);
    CHECK(count_of<StreamReadable>(events_of(sealed.home.session)) == 1);
    CHECK_FALSE(sealed.home.session.info(sealed.stream)->received_all);
    sealed.relay.session.finish(sealed.stream);
    exchange(sealed.relay.session, sealed.home.session);
    const auto events = events_of(sealed.home.session);
    CHECK(count_of<StreamReadable>(events) == 1);
    CHECK(count_of<StreamFinished>(events) == 0);
    CHECK(sealed.home.session.info(sealed.stream)->received_all);
}

TEST_CASE("a sealed stream whose record makes no sense is reset") {
    SealedHome sealed;
    sealed.home.session.wrote(sealed.stream, sealed.seal("abc"));
    CHECK_FALSE(go_on_given(sealed.home.photograph(), 4)->session.has(sealed.stream));
    const auto spoilt = [&](const std::function<void(SealRecord&)>& spoil) {
        const Memory left = sealed.home.photograph();
        spoil(record_at<SealRecord>(left, stream_in(left, sealed.stream).seal));
        return go_on_given(left, 3);
    };
    CHECK(spoilt([](SealRecord&) {})->session.has(sealed.stream));
    CHECK_FALSE(
        spoilt([](SealRecord& seal) { seal.kind = AeadKind{9}; })->session.has(sealed.stream));
    CHECK_FALSE(spoilt([](SealRecord& seal) {
                    seal.phase = SealRecord::Phase{3};
                })->session.has(sealed.stream));
    CHECK_FALSE(spoilt([](SealRecord& seal) {
                    seal.out = SealedPlace{{.stream = 5000}};
                })->session.has(sealed.stream));
    const Memory left = sealed.home.photograph();
    stream_in(left, sealed.stream).seal = 0;
    CHECK_FALSE(go_on_given(left, 3)->session.has(sealed.stream));
    stream_in(left, sealed.stream).seal = arena_bytes;
    CHECK_FALSE(go_on_given(left, 3)->session.has(sealed.stream));
}
