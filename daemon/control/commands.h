// The methods of the control protocol, each a row: its name, and how operations.h answers it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "daemon/operations.h"

namespace relay {

// Called exactly once, at once or later, with the JSON object that goes under "ok".
using Answer = std::function<void(Result<std::string>)>;

enum class Effect { Shows, Changes };  // What changes something is logged.

struct ControlCommand {
    std::string_view method;
    Effect effect;
    // `with` is the JSON object of the request.
    void (*run)(Operations& operations, const std::string& with, Answer answer);
};

const ControlCommand* find_command(std::string_view method);

// Parts of the table, a file each.
std::span<const ControlCommand> commands_that_show();
std::span<const ControlCommand> commands_that_change();

}  // namespace relay
