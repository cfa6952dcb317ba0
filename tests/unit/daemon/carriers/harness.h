// What the tests of carriers share: a loop with a deadline, and both ends of a carrier.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "common/crypto/secure_random.h"
#include "daemon/carriers/acceptor.h"
#include "daemon/carriers/dialer.h"
#include "daemon/io/timer.h"

namespace relay::testing {

// Runs a loop until something is true.
struct Harness {
    Loop loop;
    SecureRandom random;

    void run_until(const std::function<bool()>& reached,
                   Duration patience = std::chrono::seconds{60}) {
        bool late = false;
        UvTimer guard{loop, [&] { late = true; }};
        guard.arm(patience);
        while (!reached() && !late) loop.run_once();
        CHECK_MESSAGE(!late, "the deadline came first");
    }

    TlsCertificate certificate() {
        auto made = TlsCertificate::make_self_signed();
        REQUIRE(made);
        return std::move(*made);
    }
};

// Sends `to_send` bytes of a fixed sequence in units of varying size, and checks what arrives.
class Talker final : public CarrierUser {
public:
    std::unique_ptr<Carrier> carrier;
    std::uint64_t to_send = 0;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool in_order = true;
    std::optional<Error> closed;
    std::function<Status(Bytes&)> on_received;  // Instead of checking.
    std::function<void()> on_fill;              // Before filling.
    std::function<void()> on_closed;

    void start(std::unique_ptr<Carrier> started) {
        carrier = std::move(started);
        carrier->start(*this);
    }

    Status carrier_received(Bytes& input) override {
        if (on_received) return on_received(input);
        // Takes only whole units of 8 bytes, so that rests occur.
        while (input.size() >= 8) {
            std::uint64_t value;
            std::memcpy(&value, input.data(), sizeof value);
            if (value != received / 8) in_order = false;
            received += 8;
            input = input.subspan(8);
        }
        return Done{};
    }

    std::size_t carrier_fill(MutableBytes room) override {
        if (on_fill) on_fill();
        if (!carrier) return 0;
        CHECK(room.size() == max_carrier_fill);
        // Small and large units by turns.
        std::size_t size = sent % 3 == 0 ? room.size() / 8 * 8 : 8 + sent % 1000 / 8 * 8;
        size = static_cast<std::size_t>(std::min<std::uint64_t>(size, to_send - sent));
        for (std::size_t at = 0; at < size; at += 8) {
            const std::uint64_t value = (sent + at) / 8;
            std::memcpy(room.data() + at, &value, sizeof value);
        }
        sent += size;
        return size;
    }

    void carrier_closed(const Error& why) override {
        CHECK(!closed);
        closed = why;
        if (on_closed) on_closed();
    }
};

// An acceptor on a port of 127.0.0.1, and a dialled carrier.
struct Pair : Harness {
    std::unique_ptr<Acceptor> acceptor;
    std::unique_ptr<Carrier> accepted;
    std::unique_ptr<Carrier> dialled;
    std::optional<Error> dial_error;
    std::unique_ptr<Dialer> dialer;
    bool keeps_admissions = false;  // As a relay does until a key is proved.
    std::vector<Admission> admissions;
    Talker server;
    Talker client;

    explicit Pair(Acceptor::Options options = {}) {
        auto made = Acceptor::make(
            loop, random, certificate(),
            [this](auto carrier, Admission admission) {
                accepted = std::move(carrier);
                if (keeps_admissions) admissions.push_back(std::move(admission));
            },
            std::move(options));
        REQUIRE(made);
        acceptor = std::move(*made);
    }
    ~Pair() {
        dialer.reset();
        server.carrier.reset();
        client.carrier.reset();
    }

    Endpoint listen(CarrierKind kind) {
        Endpoint endpoint{.kind = kind, .host = "127.0.0.1", .port = 0};
        const auto port = acceptor->add(endpoint);
        REQUIRE(port);
        endpoint.port = *port;
        return endpoint;
    }

    void dial(const Endpoint& endpoint, const DialOptions& options = direct()) {
        dial_error.reset();
        dialer = std::make_unique<Dialer>(loop, random, endpoint, options, [this](auto result) {
            if (result) {
                dialled = std::move(*result);
            } else {
                dial_error = result.error();
            }
            dialer.reset();
        });
        run_until([&] { return dialer == nullptr; });
    }

    static DialOptions direct() {
        DialOptions options;
        options.proxy = "direct";
        return options;
    }

    void connect(CarrierKind kind) {
        dial(listen(kind));
        if (dial_error) FAIL(dial_error->text);
        run_until([&] { return accepted != nullptr; });
    }

    void start() {
        server.start(std::move(accepted));
        client.start(std::move(dialled));
    }
};

}  // namespace relay::testing
