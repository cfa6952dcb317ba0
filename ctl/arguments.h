// Reads a command's arguments, and answers --help and wrong ones.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "ctl/command.h"

namespace relay {

// Global options may stand before and after the command.
void add_global_options(CLI::App& app, Call& call);

class Arguments {
public:
    explicit Arguments(Call& call);

    // For CLI11's add_option and add_flag.
    CLI::App& app() { return app_; }
    // Takes "30s", "10m", "2h", "1h30m".
    void add_duration(const std::string& name, std::optional<double>& seconds,
                      const std::string& description);

    // Nothing if the command shall run; else it is done, and this is its exit code.
    std::optional<ExitCode> parse();

private:
    Call& call_;
    CLI::App app_;
};

// "relayctl forward add: TEXT", and where to look.
ExitCode usage_fault(const Command& command, const std::string& text);

}  // namespace relay
