// A home that has a key and keeps no rule, and strangers that have none: hostile_home_test.py and
// strangers_test.py run it against a real relay with a ws endpoint on 127.0.0.1.
//
//     hostile-home KEY PORT VERB [COUNT]
//
// Prints what became of it: the frames that the relay said last, and "closed" or "still there".
#include <fmt/format.h>
#include <sys/socket.h>

#include <functional>
#include <map>

#include "common/base/byte_writer.h"
#include "common/wire/control_message.h"
#include "daemon/identity/identity_store.h"
#include "tests/system/hostile_asks.h"
#include "tests/system/hostile_connection.h"

namespace {

using namespace relay;
using namespace relay::hostile;
using namespace std::chrono_literals;
using wire::FrameType;

struct Context {
    const PrivateKey& key;
    std::uint16_t port;
    std::size_t count;
};

template <typename Put>
ByteVector bytes_by(Put put) {
    ByteVector room(20000);
    ByteWriter writer{room};
    put(writer);
    room.resize(writer.size());
    return room;
}

ByteVector data(std::uint64_t stream, std::uint64_t offset, std::size_t size) {
    const ByteVector bytes(size, 'x');
    return bytes_by([&](ByteWriter& w) { wire::put_data(w, stream, offset, bytes, {}); });
}

ByteVector ack(std::uint64_t stream, std::uint64_t offset, std::uint32_t window) {
    return bytes_by([&](ByteWriter& w) { wire::put_ack(w, {stream, offset, window}); });
}

ByteVector open(std::uint64_t stream) {
    return bytes_by([&](ByteWriter& w) {
        wire::put_control_message(w, wire::Open{stream, 22, "127.0.0.1", "v"});
    });
}

// What the relay says until it closes, or has said nothing for a second.
void tell_the_end(Connection& connection) {
    std::map<int, std::size_t> counts;
    std::string bye;
    const auto ends = std::chrono::steady_clock::now() + 1s;
    while (connection.gather(100ms) && std::chrono::steady_clock::now() < ends) {
    }
    Bytes input = connection.inbox();
    for (auto frame = wire::take_frame(input); frame && *frame; frame = wire::take_frame(input)) {
        ++counts[static_cast<int>((*frame)->type)];
        if ((*frame)->type == FrameType::Bye) bye = fmt::format("bye {} ", (*frame)->payload[0]);
    }
    for (const auto& [type, count] : counts) fmt::print("{} of type {:#04x}, ", count, type);
    fmt::print("{}{}\n", bye, connection.is_open() ? "still there" : "closed");
}

// Both ends have said where they are: data may flow.
Welcome begin(Connection& connection, const Context& context, const SessionId& resume = {},
              std::uint8_t slot = 0) {
    const Welcome welcome = introduce(connection, context.key, resume, slot);
    connection.send(ack(0, 0, wire::control_window_bytes));
    connection.send(frame(FrameType::Resumed, {}));
    return welcome;
}

// Sends one thing in a session that has just begun.
void say(const Context& context, const ByteVector& bytes) {
    Connection connection{context.port};
    begin(connection, context);
    connection.send(bytes);
    tell_the_end(connection);
}

// Over and over, as fast as the relay takes it, and reads meanwhile unless it is rude.
void flood(const Context& context, const std::function<ByteVector(std::size_t)>& next, bool reads) {
    Connection connection{context.port};
    begin(connection, context);
    const timeval patience{.tv_sec = 2, .tv_usec = 0};  // Longer, and the relay does not listen.
    setsockopt(connection.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    std::size_t sent = 0;
    for (; sent < context.count && connection.send(next(sent)); ++sent) {
        if (!reads) continue;
        while (connection.gather(0ms) && connection.inbox().size() > 4096) {
            connection.inbox().clear();
        }
        if (!connection.is_open()) break;
    }
    fmt::print("sent {}: ", sent);
    tell_the_end(connection);
}

// The control stream is acknowledged by nobody, so RESETs pile up at the relay.
void open_flood(const Context& context) {
    std::uint64_t offset = 0;
    flood(
        context,
        [&](std::size_t) {
            ByteVector messages;
            for (int i = 0; i < 100; ++i) {
                const auto one =
                    open(2 * (offset / open(1).size()) + 1 + 2 * static_cast<std::uint64_t>(i));
                messages.insert(messages.end(), one.begin(), one.end());
            }
            auto made =
                bytes_by([&](ByteWriter& w) { wire::put_data(w, 0, offset, messages, {}); });
            offset += messages.size();
            return made;
        },
        /*reads=*/true);
}

// The stream of the first visitor, whose first bytes have come.
std::uint64_t first_visitor(Connection& connection) {
    fmt::print("ready\n");
    std::fflush(stdout);
    while (connection.gather(10s)) {
        Bytes input = connection.inbox();
        for (auto one = wire::take_frame(input); one && *one; one = wire::take_frame(input)) {
            if ((*one)->type != FrameType::Data) continue;
            const auto data = wire::parse_data((*one)->payload);
            if (data && data->stream != 0) return data->stream;
        }
    }
    return 0;
}

// Has what a visitor says sent again and again, and acknowledges none of it.
void rewind_loop(const Context& context) {
    Connection connection{context.port};
    begin(connection, context);
    const std::uint64_t stream = first_visitor(connection);
    const auto rewind = bytes_by([&](ByteWriter& w) { wire::put_rewind(w, {stream, 0}); });
    std::size_t heard = 0;
    for (std::size_t sent = 0; sent < context.count && connection.send(rewind); ++sent) {
        while (connection.gather(0ms) && !connection.inbox().empty()) {
            heard += connection.inbox().size();
            connection.inbox().clear();
        }
    }
    fmt::print("{} bytes came\n", heard);
}

// More to a visitor than he gave credit for.
void credit_overrun(const Context& context) {
    Connection connection{context.port};
    begin(connection, context);
    const std::uint64_t stream = first_visitor(connection);
    constexpr std::size_t piece = 16000;
    for (std::size_t i = 0; i < context.count && connection.is_open(); ++i) {
        connection.send(data(stream, i * piece, piece));
    }
    tell_the_end(connection);
}

void ping_flood(const Context& context) {
    ByteVector many;
    for (std::uint64_t i = 0; i < 1000; ++i) {
        const auto one = bytes_by([&](ByteWriter& w) { wire::put_token(w, FrameType::Ping, i); });
        many.insert(many.end(), one.begin(), one.end());
    }
    flood(
        context, [&](std::size_t) { return many; }, /*reads=*/false);
}

// Takes its own session over again and again, by all slots.
void slot_game(const Context& context) {
    SessionId session{};
    std::size_t welcomed = 0;
    std::vector<std::unique_ptr<Connection>> all;
    for (std::size_t i = 0; i < context.count; ++i) {
        all.push_back(std::make_unique<Connection>(context.port));
        const auto slot = static_cast<std::uint8_t>(i % wire::carrier_slots_max);
        session = introduce(*all.back(), context.key, session, slot).session;
        ++welcomed;
        fmt::print("welcomed {}\n", welcomed);
    }
}

// Silent on its streams: it lets visitors come, and neither takes nor answers anything.
void never_reads(const Context& context) {
    Connection connection{context.port};
    begin(connection, context);
    fmt::print("ready\n");
    std::fflush(stdout);
    char byte;
    (void)!::read(0, &byte, 1);  // Until the test has seen enough.
    tell_the_end(connection);
}

void resume_of_a_stranger(const Context& context) {
    Connection connection{context.port};
    SessionId guessed{};
    guessed.fill(7);
    fmt::print("resumed {}\n", begin(connection, context, guessed).resumed);
}

// A frame of the handshake whose bytes the test chooses; what is heard, in hex.
void hello_of_versions(const Context& context, std::uint16_t least, std::uint16_t most) {
    Connection connection{context.port};
    ByteVector payload(36);
    ByteWriter writer{payload};
    writer.u16(least);
    writer.u16(most);
    connection.send(frame(FrameType::Hello, payload));
    tell_the_end(connection);
}

enum class Forgery { Signature, Reflection, Replay };

// A PROOF that proves nothing, in each of the ways there are.
void forge(const Context& context, Forgery forgery) {
    static ByteVector recorded;  // Of the connection before, for the replay.
    SecureRandom random;
    Connection connection{context.port};
    HomeHandshake handshake{{.name = "work-pc",
                             .key = context.key.public_key(),
                             .resume = {},
                             .slot = 0,
                             .binding = {},
                             .unbound = Unbound::Accepted},
                            random};
    std::uint8_t room[1024];
    connection.send({room, handshake.transmit(room)});
    while (connection.inbox().size() < 133 && connection.gather(5s)) {
    }
    const ByteVector challenge = connection.inbox();
    Bytes input = challenge;
    (void)handshake.receive(input);
    connection.inbox().clear();
    (void)handshake.next_event();
    handshake.approve_relay();
    const auto needed = handshake.next_event();
    auto signature = context.key.sign(std::get<SignatureNeeded>(*needed).message);
    if (forgery == Forgery::Signature) signature[0] ^= 1;
    if (forgery == Forgery::Reflection) {  // The relay's own words, sent back.
        std::copy(challenge.end() - 64, challenge.end(), signature.begin());
    }
    handshake.provide_signature(signature);
    ByteVector proof{room, room + handshake.transmit(room)};
    if (forgery == Forgery::Replay) std::swap(proof, recorded);
    if (proof.empty()) return forge(context, forgery);
    connection.send(proof);
    tell_the_end(connection);
}

std::map<std::string, std::function<void(const Context&)>> verbs() {
    return {
        {"nothing", [](auto& c) { say(c, {}); }},
        {"unknown-stream", [](auto& c) { say(c, data(40, 0, 10)); }},
        {"gap", [](auto& c) { say(c, data(0, 77, 10)); }},
        {"handshake-again", [](auto& c) { say(c, frame(FrameType::Hello, ByteVector(36))); }},
        {"unknown-frame", [](auto& c) { say(c, frame(FrameType{0x7f}, {})); }},
        {"frame-too-long",
         [](auto& c) {
             say(c, {0x10, 0xff, 0xff});
         }},
        {"ack-beyond", [](auto& c) { say(c, ack(0, 1 << 30, 65536)); }},
        {"open-of-the-other-side",
         [](auto& c) {
             const auto message = open(2);
             say(c, bytes_by([&](ByteWriter& w) { wire::put_data(w, 0, 0, message, {}); }));
         }},
        {"rewind-beyond",
         [](auto& c) {
             say(c, bytes_by([](ByteWriter& w) { wire::put_rewind(w, {0, 1 << 30}); }));
         }},
        {"open-flood", open_flood},
        {"too-many-forwards",
         [](auto& c) {
             const auto message =
                 bytes_by([](ByteWriter& w) { wire::put_control_message(w, wire::Forwards{257}); });
             say(c, bytes_by([&](ByteWriter& w) { wire::put_data(w, 0, 0, message, {}); }));
         }},
        {"ask-forbidden", [](auto& c) { ask_forbidden(c.key, c.port, c.count); }},
        {"ask-and-withdraw", [](auto& c) { ask_and_withdraw(c.key, c.port, c.count); }},
        {"reach-flood", [](auto& c) { reach_flood(c.key, c.port, c.count); }},
        {"rewind-loop", rewind_loop},
        {"credit-overrun", credit_overrun},
        {"ping-flood", ping_flood},
        {"slot-game", slot_game},
        {"never-reads", never_reads},
        {"resume-of-a-stranger", resume_of_a_stranger},
        {"old-version", [](auto& c) { hello_of_versions(c, 0, 0); }},
        {"later-version", [](auto& c) { hello_of_versions(c, 99, 99); }},
        {"bad-signature", [](auto& c) { forge(c, Forgery::Signature); }},
        {"reflection", [](auto& c) { forge(c, Forgery::Reflection); }},
        {"replay", [](auto& c) { forge(c, Forgery::Replay); }},
    };
}

}  // namespace

int main(int count, char** values) {
    if (count < 4) return 2;
    const auto key = load_private_key(values[1]);
    const auto all = verbs();
    const auto verb = all.find(values[3]);
    if (!key || verb == all.end()) return 2;
    verb->second({.key = key->key,
                  .port = static_cast<std::uint16_t>(std::atoi(values[2])),
                  .count = count > 4 ? static_cast<std::size_t>(std::atoll(values[4])) : 1});
    return 0;
}
