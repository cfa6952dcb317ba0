// Runs seeded worlds of disasters: sim [FIRST [COUNT]]. A failing seed is printed, and replays the
// run exactly: sim SEED 1.
#include <cstdio>
#include <cstdlib>

#include "tests/sim/world.h"

int main(int count, char** arguments) {
    using namespace relay::sim;
    const std::uint32_t first =
        count > 1 ? static_cast<std::uint32_t>(std::atoll(arguments[1])) : 0;
    const std::uint32_t seeds =
        count > 2 ? static_cast<std::uint32_t>(std::atoll(arguments[2])) : 200;
    unsigned failed = 0;
    std::uint64_t bytes = 0, streams = 0, cuts = 0, deaths = 0;
    for (std::uint32_t seed = first; seed != first + seeds; ++seed) {
        World world{seed, random_options(seed)};
        try {
            world.run();
        } catch (const Violation& violation) {
            std::printf("seed %u: %s\n", seed, violation.what());
            std::fflush(stdout);
            ++failed;
        }
        bytes += world.bytes_delivered();
        streams += world.streams_closed();
        cuts += world.cuts();
        deaths += world.deaths();
    }
    std::printf(
        "%u worlds from seed %u: %llu MB, %llu streams to their end, %llu carriers cut, %llu "
        "processes killed; %u failed\n",
        seeds, first, static_cast<unsigned long long>(bytes >> 20),
        static_cast<unsigned long long>(streams), static_cast<unsigned long long>(cuts),
        static_cast<unsigned long long>(deaths), failed);
    return failed == 0 ? 0 : 1;
}
