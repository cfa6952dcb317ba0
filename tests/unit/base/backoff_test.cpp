#include "common/base/backoff.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace relay;
using namespace std::chrono_literals;

namespace {

class Constant final : public Random {
public:
    explicit Constant(std::uint8_t value) : value_(value) {}
    void fill(MutableBytes bytes) override { std::fill(bytes.begin(), bytes.end(), value_); }

private:
    std::uint8_t value_;
};

}  // namespace

TEST_CASE("without jitter the waits double up to the longest") {
    Constant random{0};
    Backoff backoff{{.first = 1s, .longest = 30s}, random};
    for (const auto expected : {1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s}) {
        CHECK(backoff.next() == expected);
    }
    CHECK(backoff.failures() == 8);
}

TEST_CASE("a wait is any part of its step, but for the least") {
    for (int value = 0; value < 256; ++value) {
        Constant random{static_cast<std::uint8_t>(value)};
        Backoff backoff{{.first = 1s, .longest = 30s}, random};
        for (int i = 0; i < 100; ++i) {
            const auto wait = backoff.next();
            CHECK(wait >= 62500us);
            CHECK(wait <= 30s);
        }
    }
}

TEST_CASE("a success begins anew") {
    Constant random{0};
    Backoff backoff{{.first = 1s, .longest = 30s}, random};
    for (int i = 0; i < 5; ++i) (void)backoff.next();
    backoff.reset();
    CHECK(backoff.next() == 1s);
}
