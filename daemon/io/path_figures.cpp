#include "daemon/io/path_figures.h"

#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace relay {

std::optional<PathFigures> path_figures(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    if (size < offsetof(tcp_info, tcpi_bytes_retrans) + sizeof info.tcpi_bytes_retrans) {
        return std::nullopt;  // A kernel before 4.19.
    }
    return PathFigures{.least_rtt = std::chrono::microseconds(info.tcpi_min_rtt),
                       .delivery_rate = info.tcpi_delivery_rate,
                       .is_limited_by_us = info.tcpi_delivery_rate_app_limited != 0,
                       .bytes_sent = info.tcpi_bytes_sent,
                       .bytes_sent_again = info.tcpi_bytes_retrans};
}

// Of the congestion controls in the kernel, BBR alone has so many figures. Its gain is 2.77 or 2.89
// as long as it searches, and 1.25 at most afterwards.
std::optional<BbrFigures> bbr_figures(int fd) {
    constexpr std::uint32_t gain_of_one = 256;
    tcp_cc_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, &info, &size) != 0) return std::nullopt;
    if (size < sizeof info.bbr) return std::nullopt;
    const auto& bbr = info.bbr;
    const auto bandwidth = std::uint64_t{bbr.bbr_bw_hi} << 32 | bbr.bbr_bw_lo;
    return BbrFigures{.bandwidth = bandwidth,
                      .pacing_rate = bandwidth * bbr.bbr_pacing_gain / gain_of_one,
                      .is_in_search = bbr.bbr_pacing_gain > 2 * gain_of_one};
}

}  // namespace relay
