#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/request.h"

namespace relay::bench {

std::string percentiles(std::vector<std::int64_t>& durations_ns) {
    if (durations_ns.empty()) return "\"count\":0";
    std::sort(durations_ns.begin(), durations_ns.end());
    const auto at = [&](double part) {
        const auto last = static_cast<double>(durations_ns.size() - 1);
        return static_cast<double>(durations_ns[static_cast<std::size_t>(part * last)]) / 1e3;
    };
    return fmt::format(
        "\"count\":{},\"p50_us\":{:.1f},\"p90_us\":{:.1f},\"p99_us\":{:.1f},\"max_us\":{:.1f}",
        durations_ns.size(), at(0.5), at(0.9), at(0.99), at(1));
}

void run_ping(const Address& address, Window window) {
    const Socket socket = connect_to(address);
    const char request = static_cast<char>(Request::Echo);
    send_all(socket.fd(), &request, 1);
    std::vector<std::int64_t> durations_ns;
    for (;;) {
        char byte = 'p';
        const auto began = now_ns();
        if (began >= window.end_ns) break;
        send_all(socket.fd(), &byte, 1);
        receive_all(socket.fd(), &byte, 1);
        if (window.holds(began)) durations_ns.push_back(now_ns() - began);
    }
    fmt::print("{{{}}}\n", percentiles(durations_ns));
}

}  // namespace relay::bench
