// relayd on the system bus, as org.relayd.Relay1 (docs/DBUS.md): another skin over operations.h.
#pragma once

#include <memory>
#include <string>

#include "daemon/io/loop.h"
#include "daemon/log/log.h"
#include "daemon/operations.h"

namespace relay {

// Is there as long as it lives: connects, and again whenever the bus comes back. Never makes the
// loop wait, and does without a bus.
class Bus {
public:
    virtual ~Bus() = default;
};

// For root, our own user and the members of `group`. Null if built without sd-bus. `operations` and
// `log` outlive it.
std::unique_ptr<Bus> join_bus(Loop& loop, Operations& operations, Log& log,
                              const std::string& group);

}  // namespace relay
