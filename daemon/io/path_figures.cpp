#include "daemon/io/path_figures.h"

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

}  // namespace relay
