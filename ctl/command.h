// What a command of relayctl is, and what it is called with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/output/table.h"

namespace relay {

enum class ExitCode { Done = 0, Failed = 1, Usage = 2, Unreachable = 3 };

struct Call;

// A row of the table that is dispatcher, --help and completion.
struct Command {
    std::string_view name;     // One word or two: "status", "forward add".
    std::string_view usage;    // What follows the name. Every --option stands here.
    std::string_view summary;  // One line, without a full stop.
    ExitCode (*run)(Call& call);
};

struct Call {
    const Command& command;
    std::vector<std::string> arguments;  // What came after the name.
    std::string control;                 // The socket's path.
    bool json = false;
    Colour colour = Colour::Off;
};

}  // namespace relay
