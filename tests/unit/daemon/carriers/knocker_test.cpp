#include "daemon/carriers/knocker.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>

#include "common/base/text.h"
#include "tests/unit/daemon/carriers/harness.h"
#include "tests/unit/daemon/io/loopback.h"

using namespace relay;
using relay::testing::Pair;

namespace {

// Where knocks are heard, and what they say: "knock 1", "knock 2", as they were made.
struct Knocked {
    loopback::Address address = loopback::any_port(AF_INET);
    UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    int made = 0;
    std::function<void()> on_made;

    Knocked() {
        REQUIRE(::bind(socket.get(), address.get(), address.size) == 0);
        address = loopback::address_of(socket.get());
    }

    KnockPlan plan() {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
        return {ntohs(v4.sin_port), [this]() -> Result<ByteVector> {
                    ++made;
                    if (on_made) on_made();
                    return vector_of(bytes_of("knock " + std::to_string(made)));
                }};
    }

    std::string next() {
        std::array<char, 64> room{};
        const auto size = ::recv(socket.get(), room.data(), room.size(), 0);
        return size < 0 ? "nothing" : std::string{room.data(), static_cast<std::size_t>(size)};
    }
};

DialOptions knocking(Knocked& knocked) {
    DialOptions options = Pair::direct();
    options.knock = knocked.plan();
    return options;
}

// A port that somebody had until now.
Endpoint nobody_at() {
    const auto listener = loopback::listen_on(loopback::any_port(AF_INET));
    const auto address = loopback::address_of(listener.get());
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
    return {.kind = CarrierKind::Tls, .host = "127.0.0.1", .port = ntohs(v4.sin_port)};
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a host is knocked at before it is connected to, once") {
    for (const auto kind : {CarrierKind::Tls, CarrierKind::Wss, CarrierKind::Poll}) {
        Pair pair;
        Knocked knocked;
        auto endpoint = pair.listen(kind == CarrierKind::Poll ? CarrierKind::Wss : kind);
        endpoint.kind = kind;
        pair.dial(endpoint, knocking(knocked));
        CAPTURE(pair.dial_error ? pair.dial_error->text : "");
        CHECK(pair.dialled != nullptr);
        CHECK(knocked.next() == "knock 1");
    }
}

TEST_CASE("who is refused nevertheless knocks again") {
    Pair pair;
    const auto endpoint = nobody_at();
    Knocked knocked;
    knocked.on_made = [&] {
        if (knocked.made == 2) CHECK(pair.acceptor->add(endpoint));
    };
    pair.dial(endpoint, knocking(knocked));
    CHECK(pair.dialled != nullptr);
    CHECK(knocked.next() == "knock 1");
    CHECK(knocked.next() == "knock 2");
    CHECK(knocked.next() == "nothing");
}

TEST_CASE("where nobody opens, the error says that it was knocked") {
    Pair pair;
    Knocked knocked;
    const auto nobody = nobody_at();
    pair.dial(nobody, knocking(knocked));
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "though it was knocked at by UDP port"));
    CHECK(knocked.made == 4);
    auto options = knocking(knocked);
    options.knock.packet = [] { return Result<ByteVector>{Error{ErrorCode::System, "no key"}}; };
    pair.dial(nobody, options);
    REQUIRE(pair.dial_error);
    CHECK(has(pair.dial_error->text, "could not be knocked at: no key"));
}

TEST_CASE("nobody knocks through a proxy, or without a port") {
    Pair pair;
    Knocked knocked;
    auto options = knocking(knocked);
    options.proxy = "http://127.0.0.1:1";
    pair.dial(pair.listen(CarrierKind::Wss), options);
    CHECK(pair.dial_error);
    options = knocking(knocked);
    options.knock.port = 0;
    pair.dial(pair.listen(CarrierKind::Wss), options);
    CHECK(pair.dialled != nullptr);
    CHECK(knocked.made == 0);
}
