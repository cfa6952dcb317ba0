// Carriers through tunnels of plain GET and POST, without anything in between.
#include "tests/unit/daemon/carriers/harness.h"

using namespace relay;
using namespace relay::testing;

namespace {

Endpoint polling(Pair& pair, bool is_plain) {
    Endpoint endpoint = pair.listen(is_plain ? CarrierKind::Ws : CarrierKind::Wss);
    endpoint.kind = CarrierKind::Poll;
    endpoint.is_plain = is_plain;
    return endpoint;
}

void connect(Pair& pair, bool is_plain) {
    pair.dial(polling(pair, is_plain));
    if (pair.dial_error) FAIL(pair.dial_error->text);
    pair.run_until([&] { return pair.accepted != nullptr; });
}

}  // namespace

TEST_CASE("a carrier through GET and POST carries bytes both ways, bound to its inner TLS") {
    for (const bool is_plain : {true, false}) {
        CAPTURE(is_plain);
        Pair pair;
        connect(pair, is_plain);
        CHECK(pair.accepted->info().kind == CarrierKind::Poll);
        CHECK(pair.dialled->info().kind == CarrierKind::Poll);
        REQUIRE(pair.dialled->info().tls_exporter.has_value());
        CHECK(pair.dialled->info().tls_exporter == pair.accepted->info().tls_exporter);
        CHECK(pair.accepted->info().peer_address.starts_with("127.0.0.1:"));
        pair.client.to_send = 8 << 20;
        pair.server.to_send = 8 << 20;
        pair.start();
        pair.run_until(
            [&] { return pair.client.received == 8 << 20 && pair.server.received == 8 << 20; });
        CHECK(pair.client.in_order);
        CHECK(pair.server.in_order);
        CHECK(pair.acceptor->failed_handshakes() == 0);
    }
}

TEST_CASE("a goodbye comes through GET and POST") {
    for (const bool client_closes : {true, false}) {
        CAPTURE(client_closes);
        Pair pair;
        connect(pair, true);
        auto& closer = client_closes ? pair.client : pair.server;
        auto& other = client_closes ? pair.server : pair.client;
        closer.to_send = 1 << 20;
        closer.on_fill = [&] {
            if (closer.sent == closer.to_send) closer.carrier->close_after_flush();
        };
        pair.start();
        pair.run_until([&] { return closer.closed && other.closed; });
        CHECK(other.received == 1 << 20);
        CHECK(other.in_order);
        CHECK(other.closed->text == "the peer closed the carrier");
    }
}

TEST_CASE("a place at the door is kept until the key is proved, and connections stay afterwards") {
    Pair pair{{.handshake_deadline = std::chrono::seconds{1}}};
    pair.keeps_admissions = true;
    connect(pair, true);
    CHECK(pair.acceptor->unfinished_handshakes() > 0);
    pair.admissions.clear();
    pair.client.to_send = 4096;
    pair.server.to_send = 4096;
    pair.start();
    pair.run_until([&] { return pair.acceptor->unfinished_handshakes() == 0; });
    pair.client.to_send = 1 << 20;
    pair.client.carrier->kick();
    pair.run_until([&] { return pair.server.received == 1 << 20; });
    CHECK_FALSE(pair.client.closed);
    CHECK_FALSE(pair.server.closed);
}

TEST_CASE("where GET and POST are switched off, a home is told what answered instead") {
    Pair pair;
    auto endpoint = polling(pair, true);
    pair.acceptor->set_poll(false);
    pair.dial(endpoint);
    REQUIRE(pair.dial_error);
    CHECK(pair.dial_error->text.find("answered 404") != std::string::npos);
    pair.acceptor->set_poll(true);
    pair.dial(endpoint);
    CHECK_FALSE(pair.dial_error);
}

TEST_CASE("a relay that switches GET and POST off ends the carriers that came by them") {
    Pair pair;
    connect(pair, true);
    pair.start();
    pair.acceptor->set_poll(false);
    pair.run_until([&] { return pair.client.closed && pair.server.closed; });
    CHECK(pair.client.closed->text == "the relay has closed the tunnel");
}
