#include "daemon/carriers/unsent_limit.h"

#include <algorithm>
#include <utility>

#include "daemon/io/path_figures.h"
#include "daemon/io/tcp_socket.h"

namespace relay {

namespace {

constexpr std::size_t enough_least = std::size_t{16} << 10;
constexpr auto look_interval_least = std::chrono::milliseconds(10);

}  // namespace

UnsentLimit::UnsentLimit(int fd) : fd_(fd) {
    set(enough_least);
    look_at_bbr({});
}

void UnsentLimit::sent(std::size_t bytes, TimePoint now) {
    unsent_most_ += bytes;
    if (is_bbr_ && now >= next_look_) look_at_bbr(now);
}

bool UnsentLimit::is_reached() {
    if (unsent_most_ < enough_) return false;
    unsent_most_ = static_cast<std::size_t>(unsent_bytes(fd_));
    if (unsent_most_ < enough_) return false;
    was_reached_ = true;
    return true;
}

void UnsentLimit::look_at_bbr(TimePoint now) {
    const auto bbr = bbr_figures(fd_);
    const auto path = path_figures(fd_);
    is_bbr_ = bbr && path;
    if (!is_bbr_) return;
    next_look_ = now + std::max<Duration>(path->least_rtt, look_interval_least);
    bbr_.look(*bbr, *path, std::exchange(was_reached_, false));
    set(std::max(bbr_.unsent_bytes(), enough_least));
    const auto rate_most = bbr_.pacing_rate_most();
    if (std::exchange(pacing_rate_most_, rate_most) != rate_most) set_pacing_rate(fd_, rate_most);
}

void UnsentLimit::set(std::size_t bytes) {
    if (std::exchange(enough_, bytes) == bytes) return;
    // The kernel calls for more when it has less than half of its limit.
    set_unsent_limit(fd_, static_cast<int>(2 * bytes));
}

}  // namespace relay
