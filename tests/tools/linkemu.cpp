// linkemu NAMESPACE NAMESPACE DEVICE: a link between two network namespaces, with delay, jitter, a
// rate, a queue, loss and cuts. Each namespace gets a TUN device, for the caller to give an address
// to. Prints "ready", then obeys lines on standard input (link_commands.h) until that ends.

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/tools/link_commands.h"

namespace {

using namespace relay::linkemu;

// As in linux/virtio_net.h, which is no C++: "class" is a name there. What comes before each
// packet.
struct VirtioNetHeader {
    std::uint8_t flags;
    std::uint8_t gso_type;   // 0: the packet is one frame.
    std::uint16_t hdr_len;   // Of the headers that each frame repeats.
    std::uint16_t gso_size;  // What each frame carries beside them.
    std::uint16_t csum_start;
    std::uint16_t csum_offset;
};

constexpr std::size_t max_packet = sizeof(VirtioNetHeader) + 65'536;
constexpr int packets_in_a_row = 128;
constexpr int priority = -15;  // A link does not wait for a busy machine.

// Above this rate, the kernel may hand over up to 64 KiB of a connection as one packet, which then
// arrive together: within a millisecond, as they would one by one.
constexpr double min_rate_of_large_packets = 400;

void must(bool done, const char* what) {
    if (done) return;
    fmt::print(stderr, "linkemu: {}: {}\n", what, std::strerror(errno));
    std::exit(1);
}

// Enters the namespace, makes the device there, and comes back: the descriptor stays good.
int open_tun(const char* network_namespace, const char* device_name) {
    const int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const auto path = fmt::format("/run/netns/{}", network_namespace);
    const int there = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    must(here >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0, path.c_str());
    const int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    std::strncpy(request.ifr_name, device_name, IFNAMSIZ - 1);
    must(tun >= 0 && ioctl(tun, TUNSETIFF, &request) == 0, "TUN device");
    must(setns(here, CLONE_NEWNET) == 0, "setns");
    close(here);
    close(there);
    return tun;
}

// A packet that the kernel has yet to cut into frames weighs as much as those.
std::size_t wire_bytes(const Packet& packet) {
    VirtioNetHeader header;
    std::memcpy(&header, packet.data(), sizeof header);
    const std::size_t bytes = packet.size() - sizeof header;
    if (header.gso_type == 0 || header.gso_size == 0) return bytes;
    const std::size_t frames = (bytes - header.hdr_len + header.gso_size - 1) / header.gso_size;
    return bytes + (std::max<std::size_t>(frames, 1) - 1) * header.hdr_len;
}

class Link {
public:
    Link(const char* a, const char* b, const char* device)
        : tuns_{open_tun(a, device), open_tun(b, device)} {
        allow_large_packets();
    }

    void run() {
        pollfd ready[3] = {{tuns_[0], POLLIN, 0}, {tuns_[1], POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        for (;;) {
            deliver();
            const auto wait = time_to_wait();
            must(ppoll(ready, 3, wait ? &*wait : nullptr, nullptr) >= 0 || errno == EINTR, "ppoll");
            for (std::size_t i : {0, 1})
                if (ready[i].revents) take(i);
            if (ready[2].revents && !obey_input()) return;
        }
    }

private:
    void take(std::size_t from) {
        for (int i = 0; i < packets_in_a_row; ++i) {
            const auto size = read(tuns_[from], buffer_.data(), buffer_.size());
            if (size <= 0) return;
            Packet packet(buffer_.begin(), buffer_.begin() + size);
            const auto weight = wire_bytes(packet);
            directions_[from].accept(std::move(packet), weight, Clock::now());
        }
    }

    void deliver() {
        for (std::size_t from : {0, 1}) {
            while (const auto packet = directions_[from].take_arrived(Clock::now())) {
                // A device that is down or full takes nothing; a wire does not care either.
                (void)!write(tuns_[1 - from], packet->data(), packet->size());
            }
        }
    }

    std::optional<timespec> time_to_wait() const {
        std::optional<Time> next;
        for (const auto& each : directions_) {
            const auto arrival = each.next_arrival();
            if (arrival && (!next || *arrival < *next)) next = arrival;
        }
        if (!next) return std::nullopt;
        const auto wait =
            std::max<std::int64_t>(0, std::chrono::nanoseconds(*next - Clock::now()).count());
        return timespec{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    }

    // False when there is no more input.
    bool obey_input() {
        std::array<char, 512> bytes;
        const auto size = read(STDIN_FILENO, bytes.data(), bytes.size());
        if (size <= 0) return false;
        input_.append(bytes.data(), static_cast<std::size_t>(size));
        for (std::size_t end; (end = input_.find('\n')) != std::string::npos;) {
            fmt::print("{}\n", obey(std::string_view(input_).substr(0, end), directions_));
            input_.erase(0, end + 1);
        }
        std::fflush(stdout);
        allow_large_packets();
        return true;
    }

    void allow_large_packets() {
        const bool allowed = std::ranges::all_of(directions_, [](const Direction& each) {
            const auto rate = each.conditions.rate_mbit_s;
            return each.conditions.loss == 0 && (rate == 0 || rate >= min_rate_of_large_packets);
        });
        const unsigned long offloads = allowed ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 : 0;
        for (const int tun : tuns_) must(ioctl(tun, TUNSETOFFLOAD, offloads) == 0, "TUNSETOFFLOAD");
    }

    std::array<int, 2> tuns_;
    Directions directions_{Direction{1}, Direction{2}};
    std::array<char, max_packet> buffer_;
    std::string input_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fmt::print(stderr, "usage: linkemu NAMESPACE NAMESPACE DEVICE\n");
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1);
    (void)setpriority(PRIO_PROCESS, 0, priority);
    Link link{argv[1], argv[2], argv[3]};
    fmt::print("ready\n");
    std::fflush(stdout);
    link.run();
}
