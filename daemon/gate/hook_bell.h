// Tells relayd-hooks of knocks at gates that have commands. It runs them: this program has a right,
// and starts nothing.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/gates/hooks.h"

namespace relay {

class HookBell {
public:
    explicit HookBell(std::string socket) : socket_(std::move(socket)) {}

    // Waits for nobody; what cannot be told is lost.
    Status ring(const HookNews& news) const;

private:
    std::string socket_;
};

}  // namespace relay
