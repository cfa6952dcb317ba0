#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "bench/load/commands.h"
#include "bench/load/request.h"

namespace relay::bench {

namespace {

constexpr std::size_t opened_at_once = 64;

}  // namespace

void run_hold(const Address& address, std::size_t connections) {
    std::vector<Socket> held;
    while (held.size() < connections) {
        const auto first = held.size();
        const auto count = std::min(opened_at_once, connections - first);
        for (std::size_t i = 0; i < count; ++i) {
            held.push_back(connect_to(address));
            const std::array request{static_cast<char>(Request::Echo), 'h'};
            send_all(held.back().fd(), request.data(), request.size());
        }
        for (std::size_t i = first; i < first + count; ++i) {
            char byte = 0;
            receive_all(held[i].fd(), &byte, 1);
        }
    }
    fmt::print("{{\"held\":{}}}\n", held.size());
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
}

}  // namespace relay::bench
