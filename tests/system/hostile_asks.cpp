#include "tests/system/hostile_asks.h"

#include <fmt/format.h>

#include <iterator>
#include <vector>

#include "common/base/byte_writer.h"
#include "common/wire/control_message.h"
#include "tests/system/hostile_connection.h"

namespace relay::hostile {

namespace {

using namespace std::chrono_literals;
using wire::FrameType;

template <typename Put>
ByteVector bytes_by(Put put) {
    ByteVector room(20000);
    ByteWriter writer{room};
    put(writer);
    room.resize(writer.size());
    return room;
}

ByteVector ack(std::uint64_t offset, std::uint32_t window) {
    return bytes_by([&](ByteWriter& w) { wire::put_ack(w, {0, offset, window}); });
}

// Speaks on the control stream as an honest home does, and says there whatever it likes.
class Asker {
public:
    Asker(const PrivateKey& key, std::uint16_t port) : connection_(port) {
        introduce(connection_, key);
        connection_.send(ack(0, wire::control_window_bytes));
        connection_.send(frame(FrameType::Resumed, {}));
    }

    // False: the relay has closed.
    bool say(const std::vector<wire::ControlMessage>& messages) {
        const ByteVector all = bytes_by([&](ByteWriter& w) {
            for (const auto& message : messages) wire::put_control_message(w, message);
        });
        const ByteVector sent =
            bytes_by([&](ByteWriter& w) { wire::put_data(w, 0, said_, all, {}); });
        said_ += all.size();
        return connection_.send(sent);
    }

    // Takes what the relay says within `patience`, and acknowledges it.
    void listen(std::chrono::milliseconds patience) {
        connection_.gather(patience);
        Bytes input = connection_.inbox();
        for (auto one = wire::take_frame(input); one && *one; one = wire::take_frame(input)) {
            if ((*one)->type == FrameType::Bye) bye_ = true;
            if ((*one)->type != FrameType::Data) continue;
            const auto data = wire::parse_data((*one)->payload);
            if (data && data->stream == 0) hear(data->bytes);
        }
        const ByteVector rest{input.begin(), input.end()};
        connection_.inbox() = rest;
        if (heard_ != acknowledged_) connection_.send(ack(heard_, wire::control_window_bytes));
        acknowledged_ = heard_;
    }
    // Until `answers` have come, or none has for a while.
    void listen_for(std::size_t answers) {
        const auto ends = std::chrono::steady_clock::now() + 20s;
        while (listening + waiting + denied + resets < answers && is_open() &&
               std::chrono::steady_clock::now() < ends) {
            listen(100ms);
        }
    }

    bool is_open() const { return connection_.is_open() && !bye_; }
    void tell() const {
        fmt::print("{} listening, {} waiting, {} denied, {} reset, {}\n", listening, waiting,
                   denied, resets, is_open() ? "still there" : "closed");
    }

    std::size_t listening = 0, waiting = 0, denied = 0, resets = 0;

private:
    void hear(Bytes bytes) {
        heard_ += bytes.size();
        words_.insert(words_.end(), bytes.begin(), bytes.end());
        Bytes input = words_;
        for (auto one = wire::take_control_message(input); one && *one;
             one = wire::take_control_message(input)) {
            if (std::holds_alternative<wire::Reset>(**one)) ++resets;
            if (const auto* state = std::get_if<wire::ForwardState>(&**one)) {
                ++(state->state == wire::ForwardStateKind::Listening ? listening
                   : state->state == wire::ForwardStateKind::Waiting ? waiting
                                                                     : denied);
            }
        }
        words_ = ByteVector{input.begin(), input.end()};
    }

    Connection connection_;
    std::uint64_t said_ = 0, heard_ = 0, acknowledged_ = 0;
    ByteVector words_;
    bool bye_ = false;
};

wire::Forward forward_at(std::string_view address, std::size_t port,
                         std::string_view target = "127.0.0.1") {
    return {.port = static_cast<std::uint16_t>(port),
            .target_port = 9,
            .grace_s = 0,
            .proxy_protocol = false,
            .address = address,
            .target = target,
            .probe = "none"};
}

void say_list(Asker& asker, const std::vector<wire::Forward>& list) {
    asker.say({wire::Forwards{static_cast<std::uint16_t>(list.size())}});
    for (const wire::Forward& forward : list) asker.say({forward});
}

}  // namespace

void ask_forbidden(const PrivateKey& key, std::uint16_t port, std::size_t first) {
    static constexpr std::string_view addresses[] = {"127.0.0.1", "0.0.0.0",   "::",    "192.0.2.1",
                                                     "127.0.0.2", "localhost", "1.2.3", "-"};
    Asker asker{key, port};
    std::vector<wire::Forward> list;
    for (std::size_t i = 0; i < wire::forwards_asked_max; ++i) {
        const auto address = addresses[i % std::size(addresses)];
        const bool is_permitted_port = address != "127.0.0.1" && address != "localhost";
        list.push_back(forward_at(address, is_permitted_port ? first : 1 + i));
    }
    list[0] = forward_at("127.0.0.1", 0);
    list[1] = forward_at("127.0.0.1", first, "%%");
    say_list(asker, list);
    asker.listen_for(list.size());
    asker.tell();
}

void ask_and_withdraw(const PrivateKey& key, std::uint16_t port, std::size_t first) {
    constexpr std::size_t times = 2000;
    Asker asker{key, port};
    std::vector<wire::Forward> list;
    for (std::size_t i = 0; i < 50; ++i) list.push_back(forward_at("127.0.0.1", first + i));
    for (std::size_t i = 0; i < times && asker.is_open(); ++i) {
        say_list(asker, i % 2 == 0 ? list : std::vector<wire::Forward>{});
        asker.listen(0ms);
    }
    asker.listen(200ms);
    asker.tell();
}

void reach_flood(const PrivateKey& key, std::uint16_t port, std::size_t count) {
    Asker asker{key, port};
    constexpr std::size_t at_once = 50;
    std::uint64_t stream = 1;
    for (std::size_t sent = 0; sent < count && asker.is_open(); sent += at_once) {
        std::vector<wire::ControlMessage> opens;
        for (std::size_t i = 0; i < at_once; ++i, stream += 2) {
            static constexpr std::string_view hosts[] = {"work-pc", "relay", "127.0.0.1", "nobody"};
            opens.emplace_back(wire::Open{stream, static_cast<std::uint16_t>(1 + stream % 60000),
                                          hosts[i % std::size(hosts)], "v"});
        }
        asker.say(opens);
        asker.listen_for(sent + at_once);
    }
    asker.tell();
}

}  // namespace relay::hostile
