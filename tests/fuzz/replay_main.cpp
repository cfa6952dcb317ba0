// Runs a fuzz target without libFuzzer: over each file of the given corpus folders and, where
// people gave it its name, over each of its beginnings and over copies with one byte changed. What
// libFuzzer found and named by a hash is such a variant itself. The same inputs every time.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t variants_of_a_seed_max = 3000;

std::size_t inputs_run = 0;  // The one thing this program counts.

// A copy of exactly its size, so that a sanitizer sees each byte read past the end.
void run(const Input& input) {
    const Input exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    ++inputs_run;
}

void run_variants(const Input& seed) {
    run(seed);
    const std::size_t step = std::max<std::size_t>(1, seed.size() * 5 / variants_of_a_seed_max);
    for (std::size_t at = 0; at < seed.size(); at += step) {
        const auto position = static_cast<std::ptrdiff_t>(at);
        run({seed.begin(), seed.begin() + position});
        for (const int flip : {0x01, 0x80, 0xff}) {
            Input changed = seed;
            changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
            run(changed);
        }
        Input shorter = seed;
        shorter.erase(shorter.begin() + position);
        run(shorter);
    }
}

bool is_named_by_hash(const std::filesystem::path& path) {
    const std::string name = path.filename();
    return name.size() == 40 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Input contents_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

}  // namespace

int main(int count, char** arguments) {
    std::size_t seeds = 0;
    for (int i = 1; i < count; ++i) {
        for (const auto& entry : std::filesystem::directory_iterator{arguments[i]}) {
            const Input seed = contents_of(entry.path());
            if (is_named_by_hash(entry.path())) {
                run(seed);
            } else {
                run_variants(seed);
            }
            ++seeds;
        }
    }
    run({});
    std::printf("%zu inputs from %zu seeds\n", inputs_run, seeds);
    return seeds > 0 ? 0 : 1;
}
