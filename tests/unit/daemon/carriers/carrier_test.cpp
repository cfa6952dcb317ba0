#include <doctest/doctest.h>

#include "tests/unit/daemon/carriers/harness.h"

using namespace relay;
using namespace relay::testing;
using namespace std::chrono_literals;

namespace {

constexpr CarrierKind all_kinds[] = {CarrierKind::Tls, CarrierKind::Wss, CarrierKind::Ws};

}  // namespace

TEST_CASE("64 MiB go both ways at once, in order, over each kind of carrier") {
    for (const auto kind : all_kinds) {
        CAPTURE(static_cast<int>(kind));
        Pair pair;
        pair.connect(kind);
        CHECK(pair.accepted->info().kind == kind);
        CHECK(pair.dialled->info().kind == kind);
        CHECK(pair.accepted->info().peer_address.starts_with("127.0.0.1:"));
        CHECK(pair.accepted->info().tls_exporter.has_value() == (kind != CarrierKind::Ws));
        CHECK(pair.accepted->info().tls_exporter == pair.dialled->info().tls_exporter);
        pair.server.to_send = pair.client.to_send = 64 << 20;
        pair.start();
        pair.run_until(
            [&] { return pair.server.received == 64 << 20 && pair.client.received == 64 << 20; });
        CHECK(pair.server.in_order);
        CHECK(pair.client.in_order);
        CHECK(pair.client.carrier->counters().bytes_out >= 64 << 20);
        CHECK(!pair.client.carrier->has_unsent());
        CHECK(pair.acceptor->unfinished_handshakes() == 0);
    }
}

TEST_CASE("a kick sends what has become ready") {
    for (const auto kind : all_kinds) {
        Pair pair;
        pair.connect(kind);
        pair.start();
        for (std::uint64_t round = 1; round <= 100; ++round) {
            pair.client.to_send += 8;
            pair.client.carrier->kick();
            pair.client.carrier->kick();
            pair.run_until([&] { return pair.server.received == 8 * round; });
            pair.server.to_send += 8;
            pair.server.carrier->kick();
            pair.run_until([&] { return pair.client.received == 8 * round; });
        }
    }
}

TEST_CASE("what was filled arrives before the end, whichever side closes") {
    for (const auto kind : all_kinds) {
        for (const bool client_closes : {true, false}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(client_closes);
            Pair pair;
            pair.connect(kind);
            auto& closer = client_closes ? pair.client : pair.server;
            auto& other = client_closes ? pair.server : pair.client;
            closer.to_send = 4 << 20;
            closer.on_fill = [&] {
                if (closer.sent == closer.to_send) closer.carrier->close_after_flush();
            };
            pair.start();
            pair.run_until([&] { return closer.closed && other.closed; });
            CHECK(other.received == 4 << 20);
            CHECK(other.in_order);
            // On ws the goodbye and the end may come as one.
            CHECK(other.closed->text == "the peer closed the carrier");
        }
    }
}

TEST_CASE("a carrier that is destroyed closes at once and calls nobody") {
    for (const auto kind : all_kinds) {
        Pair pair;
        pair.connect(kind);
        pair.start();
        pair.client.carrier.reset();
        pair.run_until([&] { return pair.server.closed.has_value(); });
        CHECK(!pair.client.closed);
    }
}

TEST_CASE("a carrier may be destroyed inside each of its user's callbacks") {
    for (const auto kind : all_kinds) {
        for (const auto* where : {"received", "fill", "closed", "received with an error"}) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(where);
            Pair pair;
            pair.connect(kind);
            bool destroyed = false;
            const auto destroy = [&] {
                pair.client.carrier.reset();
                destroyed = true;
            };
            const std::string_view place{where};
            pair.server.to_send = 1 << 20;
            if (place == "received") {
                pair.client.on_received = [&](Bytes&) -> Status {
                    destroy();
                    return Done{};
                };
            } else if (place == "received with an error") {
                pair.client.on_received = [&](Bytes&) -> Status {
                    destroy();
                    return Error{ErrorCode::Malformed, "not read any more"};
                };
            } else if (place == "fill") {
                pair.client.to_send = 1 << 20;
                pair.client.on_fill = [&] {
                    if (pair.client.sent > 100000) destroy();
                };
            } else {
                pair.client.on_closed = destroy;
                pair.server.on_fill = [&] { pair.server.carrier->close_after_flush(); };
            }
            pair.start();
            pair.run_until([&] { return destroyed && pair.server.closed; });
            CHECK(pair.client.closed.has_value() == (place == "closed"));
        }
    }
}

TEST_CASE("an error of the user closes the carrier with its text") {
    Pair pair;
    pair.connect(CarrierKind::Wss);
    pair.client.to_send = 8;
    pair.server.on_received = [](Bytes&) -> Status {
        return Error{ErrorCode::Malformed, "no frame at all"};
    };
    pair.start();
    pair.run_until([&] { return pair.server.closed && pair.client.closed; });
    CHECK(pair.server.closed->text == "no frame at all");
}

TEST_CASE("a user that never consumes is cut off at 64 KiB") {
    Pair pair;
    pair.connect(CarrierKind::Tls);
    pair.client.to_send = 1 << 20;
    pair.server.on_received = [](Bytes&) -> Status { return Done{}; };
    pair.start();
    pair.run_until([&] { return pair.server.closed.has_value(); });
    CHECK(pair.server.closed->code == ErrorCode::TooLarge);
}
