// The composition root: builds what the settings ask for, wires it, runs it, takes it down.
#pragma once

#include <memory>

#include "daemon/app/configuration.h"
#include "daemon/control/server.h"
#include "daemon/io/arena_memory.h"
#include "daemon/io/loop.h"
#include "daemon/io/signals.h"
#include "daemon/io/timer.h"
#include "daemon/log/log.h"
#include "daemon/log/service_manager.h"
#include "daemon/roles/role.h"

namespace relay {

// Runs until it is told to stop. Returns the exit code: 0 stopped, 1 failed, 2 wrong settings.
int run_app(const Options& options);

}  // namespace relay
