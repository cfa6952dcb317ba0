// What the command line says.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace relay {

// Of every role.
struct CommonOptions {
    std::string config;
    std::string state_dir;
    std::string control;
    std::string log_level;
};

// The role that the configuration file has.
struct RunConfigured {};
// A relay in the foreground.
struct RunRelay {
    std::vector<std::string> listen;
};
// A home in the foreground.
struct RunHome {
    std::vector<std::string> relays;
    std::string name;
    std::vector<std::string> allow;
    std::string relay_key;
    std::string proxy;
    std::string key;
};
struct RunVisit {};
// Registers at a relay by an invitation, and writes the configuration of a home.
struct Join {
    std::string url;
    std::string token;
    std::string key;
    std::string proxy;
    bool yes = false;
    bool no_start = false;
};
// Prints the own public key, and makes it if there is none.
struct KeyShow {
    std::string key;
};
struct CheckFile {
    std::string file;
};

struct Options {
    CommonOptions common;
    std::variant<RunConfigured, RunRelay, RunHome, RunVisit, Join, KeyShow, CheckFile> command;
};

// The options, or the exit code once help, version or an error has been printed.
std::variant<Options, int> parse_options(int count, char** arguments);

}  // namespace relay
