#include "daemon/control/commands.h"

namespace relay {

const ControlCommand* find_command(std::string_view method) {
    for (const auto part : {commands_that_show(), commands_that_change()}) {
        for (const auto& command : part) {
            if (command.method == method) return &command;
        }
    }
    return nullptr;
}

}  // namespace relay
