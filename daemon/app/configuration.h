// From the command line and the files it names to settings, with every path filled in.
#pragma once

#include <string>
#include <vector>

#include "common/settings/load.h"
#include "daemon/app/options.h"

namespace relay {

struct Configuration {
    Settings settings;
    std::string path;  // Of the file; empty: the command line alone.
};

// All that is wrong, a line each, ready to be shown.
struct ConfigurationErrors {
    std::vector<std::string> lines;
};

// Reads again whatever it read before, when called again. Blocking.
Result<Configuration, ConfigurationErrors> configure(const Options& options);

// The file and the homes.d beside it.
Result<Settings, ConfigurationErrors> load_file(const std::string& path);

// Where a home that joins has its file: of root the service's, of others one below their own
// folder.
std::string home_config_path();

// The state directory and the key when nobody says otherwise.
std::string default_state_dir();
std::string key_path(const Settings& settings);

}  // namespace relay
