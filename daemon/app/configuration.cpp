#include "daemon/app/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "daemon/identity/file.h"

namespace relay {

namespace {

constexpr std::size_t config_max_bytes = 1 << 20;
constexpr const char* default_config = "/etc/relayd/relayd.yaml";

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

std::string default_control() {
    if (const std::string dir = environment("RUNTIME_DIRECTORY"); !dir.empty()) {
        return dir + "/control.sock";
    }
    const std::string user_dir = environment("XDG_RUNTIME_DIR");
    if (geteuid() != 0 && !user_dir.empty()) return user_dir + "/relayd/control.sock";
    return "/run/relayd/control.sock";
}

// The service's, unless a user has joined by himself.
std::string default_config_path() {
    if (!environment("CONFIGURATION_DIRECTORY").empty()) return default_config;
    const std::string own = home_config_path();
    return access(own.c_str(), F_OK) == 0 ? own : default_config;
}

std::string host_name() {
    char name[256] = {};
    (void)gethostname(name, sizeof name - 1);
    std::string text = name;
    text = text.substr(0, text.find('.'));
    return text.empty() ? "home" : text;
}

// Collects errors of the command line as it goes.
class CommandLine {
public:
    explicit CommandLine(Settings& settings) : settings_(settings) {}

    void apply(const CommonOptions& common) {
        if (!common.state_dir.empty()) settings_.state_dir = common.state_dir;
        if (!common.control.empty()) settings_.control = common.control;
        if (common.log_level.empty()) return;
        if (const auto level = log_level_from(common.log_level)) {
            settings_.log_level = *level;
        } else {
            wrong("--log-level",
                  "\"" + common.log_level + "\" is not debug, info, warning or error");
        }
    }

    void apply(const RunRelay& relay) {
        if (!settings_.relay) settings_.relay.emplace();
        if (!relay.listen.empty()) settings_.relay->listen.clear();
        for (const std::string& text : relay.listen) {
            if (const auto endpoint = taken("--listen", parse_endpoint(text))) {
                settings_.relay->listen.push_back(*endpoint);
            }
        }
    }

    void apply(const RunHome& home) {
        if (!settings_.home) settings_.home.emplace();
        HomeSettings& settings = *settings_.home;
        if (!home.relays.empty()) settings.relays.clear();
        for (const std::string& text : home.relays) {
            if (const auto endpoint = taken("relay", parse_endpoint(text))) {
                settings.relays.push_back(*endpoint);
            }
        }
        if (settings.relays.empty() && errors_.lines.empty()) {
            wrong("relay", "which one? For example: relayd home wss://vps.example.com");
        }
        for (const std::string& text : home.allow) {
            if (const auto rule = taken("--allow", parse_allow_rule(text))) {
                settings.allow.push_back(*rule);
            }
        }
        if (!home.relay_key.empty()) {
            settings.relay_key = taken("--relay-key", parse_fingerprint(home.relay_key));
        }
        if (!home.name.empty()) settings.name = home.name;
        if (!home.proxy.empty()) settings.proxy = home.proxy;
        if (!home.key.empty()) settings.key = home.key;
    }

    ConfigurationErrors& errors() { return errors_; }

private:
    template <typename T>
    std::optional<T> taken(const std::string& option, Result<T> result) {
        if (result) return *result;
        wrong(option, result.error().text);
        return std::nullopt;
    }

    void wrong(const std::string& option, const std::string& what) {
        errors_.lines.push_back("relayd: " + option + ": " + what);
    }

    Settings& settings_;
    ConfigurationErrors errors_;
};

void fill_in(Settings& settings) {
    if (settings.state_dir.empty()) settings.state_dir = default_state_dir();
    if (settings.control.empty()) settings.control = default_control();
    if (settings.home && settings.home->name.empty()) settings.home->name = host_name();
}

}  // namespace

std::string home_config_path() {
    if (geteuid() == 0) return default_config;
    if (const std::string dir = environment("XDG_CONFIG_HOME"); !dir.empty()) {
        return dir + "/relayd/relayd.yaml";
    }
    return environment("HOME") + "/.config/relayd/relayd.yaml";
}

std::string default_state_dir() {
    if (const std::string dir = environment("STATE_DIRECTORY"); !dir.empty()) return dir;
    if (geteuid() == 0) return "/var/lib/relayd";
    if (const std::string dir = environment("XDG_STATE_HOME"); !dir.empty()) return dir + "/relayd";
    return environment("HOME") + "/.local/state/relayd";
}

std::string key_path(const Settings& settings) {
    const std::string& configured = settings.relay ? settings.relay->key : settings.home->key;
    return configured.empty() ? settings.state_dir + "/id_ed25519" : configured;
}

Result<Settings, ConfigurationErrors> load_file(const std::string& path) {
    ConfigurationErrors errors;
    const auto read = [&](const std::string& file) {
        auto text = read_file(file, config_max_bytes);
        if (!text) errors.lines.push_back("relayd: " + text.error().text);
        return NamedText{file, text ? *text : std::string()};
    };
    const NamedText main = read(path);
    std::vector<std::string> names;
    std::error_code ignored;  // Usually there is no such folder.
    const auto folder = std::filesystem::path(path).parent_path() / "homes.d";
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".yaml") names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    std::vector<NamedText> homes;
    homes.reserve(names.size());
    for (const std::string& name : names) homes.push_back(read(name));
    if (!errors.lines.empty()) return errors;

    LoadOutcome outcome = load_settings(main, homes);
    if (outcome.settings) return *outcome.settings;
    for (const Diagnostic& diagnostic : outcome.diagnostics) {
        errors.lines.push_back(to_text(diagnostic));
    }
    return errors;
}

Result<Configuration, ConfigurationErrors> configure(const Options& options) {
    Configuration configuration;
    const bool configured = std::holds_alternative<RunConfigured>(options.command);
    configuration.path = options.common.config;
    if (configured && configuration.path.empty()) configuration.path = default_config_path();
    if (!configuration.path.empty()) {
        auto loaded = load_file(configuration.path);
        if (!loaded) return loaded.error();
        configuration.settings = std::move(*loaded);
    }
    CommandLine line{configuration.settings};
    line.apply(options.common);
    if (const auto* relay = std::get_if<RunRelay>(&options.command)) line.apply(*relay);
    if (const auto* home = std::get_if<RunHome>(&options.command)) line.apply(*home);
    if (!line.errors().lines.empty()) return line.errors();
    fill_in(configuration.settings);
    return configuration;
}

}  // namespace relay
