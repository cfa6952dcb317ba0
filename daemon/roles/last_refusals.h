// Whom the relay has refused lately although they proved a key, so that `relayctl doctor` can say
// why a home is away. Anybody can be in here, under any name: it is small, and forgets.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/control/snapshot.h"

namespace relay {

struct LastRefusal {
    std::string home;     // As whoever came called itself, or as the relay knows the key.
    std::string address;  // From where.
    std::string why;
    std::string advice;
    TimePoint at{};
};

class LastRefusals {
public:
    static constexpr std::size_t refusals_most = 64;
    static constexpr Duration memory = std::chrono::minutes(10);

    // In place of a former one of the same name.
    void add(LastRefusal refusal);
    std::optional<LastRefusal> of(const std::string& home, TimePoint now) const;

private:
    std::deque<LastRefusal> refusals_;  // The newest at the end.
};

}  // namespace relay
