// What a connection under BBR needs of who writes to it. Reads no clock and no socket.
//
// BBR sends at a rate of its own, and calls for more only when something is acknowledged. It judges
// the path by times in which it always had something to send. If there are none, because little may
// wait in the kernel, what it has overestimated stays, and its search for the path's rate never
// ends: it goes on sending three times as fast as the path allows. A send buffer that is small
// beside the path's bandwidth-delay product has the same effect. Later versions end the search when
// much is lost (draft-ietf-ccwg-bbr, "Exiting Startup Based on Packet Loss"); Linux's does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "daemon/io/path_figures.h"

namespace relay {

constexpr std::uint64_t any_pacing_rate = std::numeric_limits<std::uint64_t>::max();

class BbrTuning {
public:
    // Once in a round trip: that is how long BBR remembers that it ran out of bytes. `had_enough`:
    // since the last look the kernel had as much as it was allowed.
    void look(const BbrFigures& bbr, const PathFigures& path, bool had_enough);

    // How many bytes may wait unsent.
    std::size_t unsent_bytes() const { return unsent_bytes_; }
    // How many bytes a second may be sent at most. Less than the path's rate makes the search end.
    std::uint64_t pacing_rate_most() const { return pacing_rate_most_; }

private:
    void feed(const BbrFigures& bbr, const PathFigures& path, bool ran_out);
    void limit_search(const BbrFigures& bbr, const PathFigures& path);

    double fed_seconds_ = 0;  // For how long BBR is to find something to send.
    std::size_t unsent_bytes_ = 0;

    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_sent_again_ = 0;
    int lossy_looks_ = 0;    // In this search.
    int limited_looks_ = 0;  // Since the rate is limited.
    std::uint64_t pacing_rate_most_ = any_pacing_rate;
};

}  // namespace relay
