// A relay that keeps no rule, for one home that dials it: hostile_relay_test.py runs it.
//
//     hostile-relay KEY PORT VERB COUNT TARGET_PORT [OTHER_PORT]
//
// Listens on ws://127.0.0.1:PORT, does as VERB says to the first home that comes, and prints what
// became of it.
#include <fmt/format.h>
#include <sys/socket.h>

#include <functional>
#include <map>

#include "common/base/byte_writer.h"
#include "common/wire/control_message.h"
#include "daemon/identity/identity_store.h"
#include "tests/system/hostile_connection.h"

namespace {

using namespace relay;
using namespace relay::hostile;
using namespace std::chrono_literals;
using wire::FrameType;

struct Context {
    Connection& connection;
    std::size_t count;
    std::uint16_t target;
    std::uint16_t other;  // Port, if the verb is about two.
};

template <typename Put>
ByteVector bytes_by(Put put) {
    ByteVector room(20000);
    ByteWriter writer{room};
    put(writer);
    room.resize(writer.size());
    return room;
}

ByteVector data(std::uint64_t stream, std::uint64_t offset, Bytes bytes) {
    return bytes_by([&](ByteWriter& w) { wire::put_data(w, stream, offset, bytes, {}); });
}

// So many OPENs in one frame of the control stream.
class Opener {
public:
    ByteVector next(std::size_t count, std::uint16_t port, std::string_view host = "127.0.0.1") {
        const ByteVector messages = bytes_by([&](ByteWriter& w) {
            for (std::size_t i = 0; i < count; ++i) {
                wire::put_control_message(w, wire::Open{stream_, port, host, "v"});
                stream_ += 2;
            }
        });
        const auto made = data(0, offset_, messages);
        offset_ += messages.size();
        return made;
    }

private:
    std::uint64_t stream_ = 2;
    std::uint64_t offset_ = 0;
};

void tell_the_end(Connection& connection) {
    const auto ends = std::chrono::steady_clock::now() + 2s;
    while (connection.gather(100ms) && std::chrono::steady_clock::now() < ends) {
    }
    fmt::print("{}\n", connection.is_open() ? "still there" : "closed");
}

void open_for_ever(const Context& context) {
    Opener opener;
    std::size_t sent = 0;
    for (; sent < context.count && context.connection.send(opener.next(100, context.target));
         ++sent) {
        while (context.connection.gather(0ms) && context.connection.inbox().size() > 4096) {
            context.connection.inbox().clear();
        }
        if (!context.connection.is_open()) break;
    }
    fmt::print("opened {}: ", 100 * sent);
    tell_the_end(context.connection);
}

// A control connection of FTP to the home's own server, and then data connections that it has never
// spoken of, to another port.
void unannounced(const Context& context) {
    Opener opener;
    context.connection.send(opener.next(1, context.target, "ftp:127.0.0.1"));
    for (std::size_t i = 0; i < context.count && context.connection.is_open(); ++i) {
        context.connection.send(opener.next(1, context.other, "ftp-data:2"));
        while (context.connection.gather(0ms) && context.connection.inbox().size() > 4096) {
            context.connection.inbox().clear();
        }
    }
    tell_the_end(context.connection);
}

// To a stream whose target the home has connected, far more than the window.
void credit_overrun(const Context& context) {
    Opener opener;
    context.connection.send(opener.next(1, context.target));
    const ByteVector piece(16000);
    for (std::size_t i = 0; i < context.count && context.connection.is_open(); ++i) {
        context.connection.send(data(2, i * piece.size(), piece));
    }
    tell_the_end(context.connection);
}

void unknown_stream(const Context& context) {
    context.connection.send(data(40, 0, ByteVector(10)));
    tell_the_end(context.connection);
}

void side_of_the_home(const Context& context) {
    const auto message = bytes_by([](ByteWriter& w) {
        wire::put_control_message(w, wire::Open{1, 22, "127.0.0.1", "v"});
    });
    context.connection.send(data(0, 0, message));
    tell_the_end(context.connection);
}

std::map<std::string, std::function<void(const Context&)>> verbs() {
    return {{"open-for-ever", open_for_ever},
            {"credit-overrun", credit_overrun},
            {"unknown-stream", unknown_stream},
            {"open-of-the-other-side", side_of_the_home},
            {"unannounced", unannounced}};
}

}  // namespace

int main(int count, char** values) {
    if (count < 6) return 2;
    const auto key = load_private_key(values[1]);
    const auto all = verbs();
    const auto verb = all.find(values[3]);
    const UniqueFd listening = listen_on(static_cast<std::uint16_t>(std::atoi(values[2])));
    if (!key || verb == all.end() || !listening) return 2;
    Connection connection{UniqueFd{accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)}};
    introduce_as_relay(connection, key->key);
    connection.send(bytes_by([](ByteWriter& w) {
        wire::put_ack(w, {0, 0, wire::control_window_bytes});
    }));
    connection.send(frame(FrameType::Resumed, {}));
    verb->second({.connection = connection,
                  .count = static_cast<std::size_t>(std::atoll(values[4])),
                  .target = static_cast<std::uint16_t>(std::atoi(values[5])),
                  .other = static_cast<std::uint16_t>(count > 6 ? std::atoi(values[6]) : 0)});
    return 0;
}
