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
    std::vector<std::string> trusted_proxies;
};
// A home in the foreground.
struct RunHome {
    std::vector<std::string> relays;
    std::string name;
    std::vector<std::string> allow;
    std::string relay_key;
    std::string proxy;
    std::string carrier;
    std::string knock;
    std::string key;
};
// A visitor in the foreground.
struct RunVisit {
    std::string relay;
    std::vector<std::string> targets;
    std::vector<std::string> listen;  // Of the targets, in their order.
    bool stdio = false;               // One stream to the only target, on stdin and stdout.
    bool end_to_end = false;          // Or nothing.
    bool no_end_to_end = false;
    std::vector<std::string> home_keys;
    std::string protocol;  // Of all targets, and the next one with it.
    std::string ftp_tls;
    std::string dynamic;
    std::string name;
    std::string relay_key;
    std::string proxy;
    std::string carrier;
    std::string knock;
    std::string key;
};
// Registers at a relay by an invitation, and writes the configuration of a home.
struct Join {
    std::string url;
    std::string token;
    std::string key;
    std::string proxy;
    std::string carrier;
    std::string knock;
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
