#include "daemon/knocks/knock_door.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/control/json.h"
#include "daemon/identity/file.h"
#include "daemon/io/system_clock.h"
#include "daemon/log/message_ids.h"

namespace relay {

namespace {

constexpr std::size_t packets_in_a_turn = 64;
constexpr std::size_t remembered_max_bytes = std::size_t{1} << 20;
constexpr double lines_a_minute = 5;
constexpr std::size_t max_asking = 64;

std::uint64_t wall_ms() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall_time().time_since_epoch())
            .count());
}

IpAddress address_of(const sockaddr_storage& from) {
    IpAddress address;
    if (from.ss_family == AF_INET) {
        address.bytes[10] = address.bytes[11] = 0xff;
        std::memcpy(address.bytes.data() + 12, &reinterpret_cast<const sockaddr_in&>(from).sin_addr,
                    4);
    } else {
        std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr,
                    16);
    }
    return address;
}

// An address of the settings, as the kernel wants it.
socklen_t fill(const HostPort& at, sockaddr_storage& into) {
    if (at.host.find(':') == std::string::npos) {
        auto& v4 = reinterpret_cast<sockaddr_in&>(into);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(at.port);
        (void)::inet_pton(AF_INET, at.host.c_str(), &v4.sin_addr);
        return sizeof v4;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(into);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(at.port);
    (void)::inet_pton(AF_INET6, at.host.c_str(), &v6.sin6_addr);
    return sizeof v6;
}

std::string seen_path(const std::string& state_dir) {
    return state_dir + "/knocks-seen";
}

}  // namespace

std::string gate_socket_beside(const std::string& control) {
    if (control.empty()) return "/run/relayd-gate/control.sock";
    return control.substr(0, control.rfind('/')) + "-gate/control.sock";
}

KnockDoor::KnockDoor(Loop& loop, Log& log, KnockDoorOptions options)
    : loop_(loop),
      log_(log),
      options_(std::move(options)),
      judge_(now()),
      lines_(lines_a_minute, lines_a_minute / 60, now()),
      removal_(loop, [this] {
          std::erase_if(asking_, [](const auto& line) { return line->has_ended(); });
      }) {
    const auto seen = read_file(seen_path(options_.state_dir), remembered_max_bytes);
    if (seen) judge_.remember(*seen, wall_ms());
}

void KnockDoor::apply(const Settings& settings, const std::vector<KnownPeer>& peers) {
    judge_.set_rights(knock_rights(settings, peers));
    std::erase_if(listeners_, [&](const Listener& listener) {
        return std::ranges::find(settings.knock, listener.at) == settings.knock.end();
    });
    for (const auto& at : settings.knock) {
        if (std::ranges::find(listeners_, at, &Listener::at) != listeners_.end()) continue;
        if (auto poll = open(at)) listeners_.push_back({at, std::move(poll)});
    }
}

std::unique_ptr<Poll> KnockDoor::open(const HostPort& at) {
    sockaddr_storage address{};
    const auto size = fill(at, address);
    UniqueFd fd{::socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int on = 1;
    if (fd && address.ss_family == AF_INET6) {
        (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    // "62201" stands for both families, and this host may have one.
    if (!fd && errno == EAFNOSUPPORT) return nullptr;
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        log_.error({.message_id = message_id::knocks_not_heard},
                   "signed knocks at {} are not heard: {}; the next reload tries again",
                   to_text(at), std::strerror(errno));
        return nullptr;
    }
    const int number = fd.get();
    auto poll = std::make_unique<Poll>(loop_, std::move(fd),
                                       [this, number](PollEvents) { read_some(number); });
    poll->set_interest({.readable = true});
    log_.info({}, "signed knocks are heard at {}", to_text(at));
    return poll;
}

void KnockDoor::read_some(int fd) {
    for (std::size_t i = 0; i < packets_in_a_turn; ++i) {
        std::array<std::uint8_t, max_knock_bytes + 1> packet;
        sockaddr_storage from{};
        socklen_t from_size = sizeof from;
        const auto size = ::recvfrom(fd, packet.data(), packet.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &from_size);
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) continue;
        packet_came(Bytes{packet}.first(static_cast<std::size_t>(size)), address_of(from));
    }
}

void KnockDoor::packet_came(Bytes packet, const IpAddress& from) {
    const auto opening = judge_.judge(packet, from, {wall_ms(), now()});
    if (!opening) return say_refused(opening.error(), from);
    // Before it opens anything: so a kill in between never lets it open twice.
    const auto kept =
        write_file_atomically(seen_path(options_.state_dir), bytes_of(judge_.remembered()), 0600);
    if (!kept) return say_refused(kept.error(), from);
    if (asking_.size() >= max_asking) {
        return say_refused({ErrorCode::TooLarge, "relayd-gate is too slow"}, from);
    }
    const LogFields where{.peer = to_text(from), .message_id = message_id::knock_came};
    log_.info(where, "{} knocks from {}: {}", opening->who, to_text(from),
              fmt::join(opening->gates, ", "));
    std::vector<GateRequest> requests;
    for (const auto& gate : opening->gates) {
        requests.push_back({"gates.open", to_json(OpenGate{gate, to_text(from), {}, "knock"})});
    }
    auto line = GateLine::ask(
        loop_, options_.gate_socket, requests,
        {.on_fault =
             [this, from](const std::string& text) {
                 log_.error({.peer = to_text(from), .message_id = message_id::gate_not_opened},
                            "a gate stays closed for {}: {}", to_text(from), text);
             },
         .on_end = [this] { removal_.schedule(); }});
    if (line) asking_.push_back(std::move(line));
}

// Of packets that anybody can make up there is no line.
void KnockDoor::say_refused(const Error& error, const IpAddress& from) {
    if (error.code == ErrorCode::Malformed || !lines_.take(now())) return;
    log_.warning({.peer = to_text(from), .message_id = message_id::knock_refused},
                 "a signed knock from {} is refused: {}", to_text(from), error.text);
}

}  // namespace relay
