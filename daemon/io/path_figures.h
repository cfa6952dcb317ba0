// What the kernel knows of a TCP connection's path (TCP_INFO).
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"

namespace relay {

struct PathFigures {
    Duration least_rtt{};
    // The fastest that bytes were delivered to the other end lately, in bytes a second; 0: not
    // known yet. `is_limited_by_us`: no more was there to send, so the path may be faster.
    std::uint64_t delivery_rate = 0;
    bool is_limited_by_us = false;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_sent_again = 0;
};

// Nothing for what is not TCP.
std::optional<PathFigures> path_figures(int fd);

// What BBR tells of its work (TCP_CC_INFO).
struct BbrFigures {
    std::uint64_t bandwidth = 0;    // Of the path, by its estimate, in bytes a second; 0: none yet.
    std::uint64_t pacing_rate = 0;  // That it sends at, in bytes a second.
    bool is_in_search = false;      // Its STARTUP: it does not know the path's bandwidth yet.
};

// Nothing for a connection with another congestion control.
std::optional<BbrFigures> bbr_figures(int fd);

}  // namespace relay
