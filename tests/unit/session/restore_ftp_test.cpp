// Going on with FTP's control connections that a killed process has left.
#include <doctest/doctest.h>

#include <string_view>

#include "tests/unit/session/killed_process.h"

using namespace relay;

namespace {

// A relay with one stream of its own, whose end reads along.
struct ReadRelay {
    ReadRelay() {
        home.session.attach(carrier, {});
        relay.session.attach(carrier, {});
        exchange(home.session, relay.session);
        const auto opened =
            relay.session.open({.host = "ftp:127.0.0.1", .port = 21, .visitor = "alice"}, {});
        REQUIRE(opened);
        stream = *opened;
        record = relay.session.keep_ftp(stream);
        REQUIRE(record != nullptr);
        CHECK(relay.session.ftp(stream) == record);
        CHECK(relay.session.keep_ftp(stream) == nullptr);
        relay.session.set_socket(stream, a_socket);
        exchange(home.session, relay.session);
        home.session.connected(stream, a_socket);
        // 8 bytes have come.
        write(home.session, stream, "12345678");
        exchange(home.session, relay.session);
    }

    void move_to(std::uint64_t seen, const FtpPassage& passage) {
        FtpState state = record->now();
        state.seen = seen;
        state.passage = passage;
        record->move_to(state);
    }

    Process home{Side::Home};
    Process relay{Side::Relay};
    StreamId stream{};
    FtpRecord* record = nullptr;
};

std::unique_ptr<Process> go_on_at(const Memory& left, const SocketPosition& position) {
    return go_on(left, [position](const LocalSocket&, const SocketPosition&) { return position; });
}

}  // namespace

TEST_CASE("what was read along and not taken off its socket is taken off by the next process") {
    ReadRelay read;
    read.move_to(3, {});
    for (const bool has_wrote : {false, true}) {
        if (has_wrote) {
            write(read.relay.session, read.stream, "abc");
        } else {
            const auto space = read.relay.session.write_space(read.stream);
            std::copy_n("abc", 3, space[0].begin());
        }
        const Memory left = read.relay.photograph();
        for (const std::uint64_t given : {0, 2, 3}) {
            CAPTURE(given);
            const auto next = go_on_at(left, {.given = given});
            REQUIRE(next->session.has(read.stream));
            CHECK(next->session.info(read.stream)->bytes_written == 3);
            CHECK(next->session.ftp(read.stream)->owed_out() == 3 - given);
        }
    }
}

TEST_CASE("how far a line that is replaced is, the kernel says") {
    ReadRelay read;
    read.move_to(0, {.as_is = 2, .replaced = 5, .text_size = 9});
    const Memory left = read.relay.photograph();
    const auto consumed_at = [&](std::uint64_t taken) {
        const auto next = go_on_at(left, {.taken = taken});
        REQUIRE(next->session.has(read.stream));
        CHECK(next->session.ftp(read.stream)->passed() == taken);
        return next->session.info(read.stream)->bytes_received;
    };
    CHECK(consumed_at(0) == 0);
    CHECK(consumed_at(1) == 1);
    CHECK(consumed_at(2) == 2);
    CHECK(consumed_at(10) == 2);
    CHECK(consumed_at(11) == 7);
    CHECK_FALSE(go_on_at(left, {.taken = 12})->session.has(read.stream));
}

TEST_CASE("an end that waits for whole lines hears of each byte, and that nothing follows") {
    ReadRelay read;
    CHECK(count_of<StreamReadable>(events_of(read.relay.session)) == 1);
    write(read.home.session, read.stream, "9");
    exchange(read.home.session, read.relay.session);
    CHECK(count_of<StreamReadable>(events_of(read.relay.session)) == 1);
    read.home.session.finish(read.stream);
    exchange(read.home.session, read.relay.session);
    CHECK(count_of<StreamReadable>(events_of(read.relay.session)) == 1);
    CHECK(read.relay.session.info(read.stream)->received_all);
}

TEST_CASE("a record of FTP that makes no sense ends its stream, and no other") {
    ReadRelay read;
    const auto other = read.relay.session.open({.host = "127.0.0.1", .port = 22, .visitor = "bob"},
                                               {}, LocalSocket{.id = 78});
    REQUIRE(other);
    exchange(read.home.session, read.relay.session);
    const auto spoilt = [&](const auto& spoil) {
        const Memory left = read.relay.photograph();
        spoil(left, stream_in(left, read.stream));
        const auto next = go_on_at(left, {});
        CHECK(next->session.has(*other));
        return next->session.has(read.stream);
    };
    using Stream = StreamRecord;
    CHECK(spoilt([](const Memory&, Stream&) {}));
    CHECK_FALSE(spoilt([](const Memory&, Stream& stream) { stream.ftp = arena_bytes; }));
    CHECK_FALSE(spoilt([](const Memory&, Stream& stream) { stream.ftp += 256; }));
    // Nobody goes on with two records on top of each other.
    CHECK_FALSE(spoilt([](const Memory&, Stream& stream) { stream.sealed = true; }));
    CHECK_FALSE(spoilt([](const Memory& left, Stream& stream) {
        FtpState state;
        state.announced.count = 5;
        record_at<FtpRecord>(left, stream.ftp).move_to(state);
    }));
}

TEST_CASE("a server that was being dialled is dialled again, with a record that is empty") {
    Process relay{Side::Relay}, home{Side::Home};
    home.session.attach(carrier, {});
    relay.session.attach(carrier, {});
    exchange(home.session, relay.session);
    const auto stream =
        relay.session.open({.host = "ftp:127.0.0.1", .port = 21, .visitor = "alice"}, {});
    REQUIRE(stream);
    exchange(home.session, relay.session);
    // Killed before connected().
    FtpState state;
    state.announced.count = 1;
    home.session.keep_ftp(*stream)->move_to(state);
    const auto next = go_on(home.photograph(), fresh_socket);
    CHECK(count_of<StreamOpened>(events_of(next->session)) == 1);
    CHECK(next->session.ftp(*stream) == nullptr);
    const std::size_t used = next->arena.used_bytes();
    REQUIRE(next->session.keep_ftp(*stream) != nullptr);
    CHECK(next->arena.used_bytes() > used);
    next->session.connected(*stream, a_socket);
    CHECK(go_on(next->photograph(), fresh_socket)->session.ftp(*stream) != nullptr);
}
