// What a forward behind a gate needs to know: whether others are kept out by now. Who keeps them
// out is another program (docs/GATES.md).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/host_port.h"

namespace relay {

// A place that must be closed. Its end gives it back.
class GateHold {
public:
    virtual ~GateHold() = default;
    virtual bool is_in_force() const = 0;
    // It must not be: who keeps the gates has said so, rather than nothing.
    virtual bool is_refused() const = 0;
    // Why it is not in force; empty while nobody has answered.
    virtual const std::string& fault() const = 0;
};

class Gates {
public:
    virtual ~Gates() = default;
    // `on_change` follows when it comes into force, or is refused, be it later; never within the
    // call. It may end holds.
    virtual std::unique_ptr<GateHold> hold(const std::string& gate, const HostPort& listen,
                                           std::function<void()> on_change) = 0;
    // Once, when all that is held now is in force or refused, or nobody could be asked.
    virtual void when_answered(std::function<void()> done) = 0;
    // Whether the settings have such a gate.
    virtual bool has(const std::string& gate) const = 0;
    // What is wrong with gates as a whole, and what to try; empty if nothing is.
    virtual std::string problem() const = 0;
};

// Whether a gate can stand before it: others reach it, by an address.
bool can_be_gated(const HostPort& listen);

}  // namespace relay
