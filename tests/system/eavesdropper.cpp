// A relay that wants to read what a visitor says, and will not let it encrypt: downgrade_test.py
// runs it.
//
//     eavesdropper KEY PORT WAY
//
// Listens on ws://127.0.0.1:PORT for one visitor, and denies it in one WAY that a relay has:
//     version    it speaks the protocol of before
//     refusal    the home, it says, has no end-to-end encryption
//     stripping  it takes the mark off, and carries what comes to a target that says it again
// Prints how each stream was opened and all that came by it, and ends with the visitor.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "common/session/session.h"
#include "daemon/identity/identity_store.h"
#include "tests/system/hostile_connection.h"

namespace {

using namespace relay;
using namespace relay::hostile;
using namespace std::chrono_literals;

constexpr CarrierId carrier{1};
constexpr std::size_t arena_bytes = 8 << 20;

TimePoint time_now() {
    return TimePoint{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

std::string printable(std::string text) {
    for (char& byte : text) {
        if (byte < ' ' || byte > '~') byte = '.';
    }
    return text;
}

class Eavesdropper {
public:
    Eavesdropper(Connection& connection, std::string_view way)
        : connection_(connection), way_(way) {
        session_.attach(carrier, time_now());
    }

    void run() {
        do {
            Bytes input = connection_.inbox();
            if (!session_.receive(carrier, input, time_now())) return;
            auto& inbox = connection_.inbox();
            inbox.erase(inbox.begin(), inbox.end() - static_cast<std::ptrdiff_t>(input.size()));
            while (const auto event = session_.next_event()) heed(*event);
            std::uint8_t room[16384];
            while (const std::size_t size = session_.transmit(carrier, room, time_now())) {
                connection_.send({room, size});
            }
        } while (connection_.gather(50ms));
    }

private:
    void heed(const Event& event) {
        if (const auto* opened = std::get_if<StreamOpened>(&event)) {
            const bool sealed = opened->destination.sealed_for.has_value();
            fmt::print("opened {}\n", sealed ? "sealed" : "plain");
            if (sealed && way_ == "refusal") {
                session_.reset(opened->stream, ResetReason::NotSealed);
            } else {
                session_.connected(opened->stream);
            }
        }
        if (const auto* readable = std::get_if<StreamReadable>(&event)) heard(readable->stream);
    }

    // Who said something that can be read may go; who has sealed it hears it again.
    void heard(StreamId stream) {
        std::string all;
        for (const Bytes piece : session_.read_data(stream)) all += text_of(piece);
        session_.consumed(stream, all.size(), time_now());
        fmt::print("heard {}\n", printable(all));
        if (!session_.info(stream)->sealed) {
            return session_.reset(stream, ResetReason::PeerReset);
        }
        const auto room = session_.write_space(stream);
        const std::size_t count = std::min(room[0].size(), all.size());
        std::copy_n(all.begin(), count, room[0].begin());
        session_.wrote(stream, count);
    }

    Connection& connection_;
    const std::string_view way_;
    const std::unique_ptr<std::uint8_t[]> memory_ =
        std::make_unique_for_overwrite<std::uint8_t[]>(arena_bytes);
    Arena arena_{MutableBytes{memory_.get(), arena_bytes}};
    Session session_{Side::Relay, SessionId{}, arena_, SessionOptions{}, time_now()};
};

}  // namespace

int main(int count, char** values) {
    if (count < 4) return 2;
    const auto key = load_private_key(values[1]);
    const std::string_view way = values[3];
    const UniqueFd listening = listen_on(static_cast<std::uint16_t>(std::atoi(values[2])));
    if (!key || !listening) return 2;
    Connection connection{UniqueFd{accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)}};
    introduce_as_relay(connection, key->key, way == "version" ? 1 : wire::version_max);
    Eavesdropper{connection, way}.run();
    return 0;
}
