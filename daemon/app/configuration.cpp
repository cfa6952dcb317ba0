#include "daemon/app/configuration.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "common/settings/forward.h"
#include "common/settings/gate.h"
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
        for (const std::string& text : relay.trusted_proxies) {
            if (const auto network = taken("--trusted-proxy", parse_cidr(text))) {
                settings_.relay->trusted_proxies.push_back(*network);
            }
        }
    }

    void apply(const RunHome& home) {
        if (!settings_.home) settings_.home.emplace();
        HomeSettings& settings = *settings_.home;
        if (!home.relays.empty()) {
            settings.relays.clear();
            settings.several.clear();
        }
        for (const std::string& text : home.relays) {
            if (const auto endpoint = taken("relay", parse_endpoint(text))) {
                settings.relays.push_back(*endpoint);
            }
        }
        if (endpoints_of(settings).empty() && errors_.lines.empty()) {
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
        apply_carrier(home.carrier, settings);
        apply_knock(home.knock, settings);
        if (!home.key.empty()) settings.key = home.key;
    }

    void apply(const RunVisit& visit) {
        if (!settings_.visit) settings_.visit.emplace();
        VisitSettings& settings = *settings_.visit;
        if (!visit.relay.empty()) {
            const auto endpoint = taken("relay", parse_endpoint(visit.relay));
            if (endpoint) settings.relays = {*endpoint};
        }
        if (settings.relays.empty() && errors_.lines.empty()) {
            wrong("relay", "which one? For example: relayd visit wss://vps.example.com work-pc:22");
        }
        if (visit.listen.size() > visit.targets.size()) {
            wrong("--listen", "there are more listeners than targets");
        } else if (visit.stdio) {
            apply_stdio(visit, settings);
        } else {
            apply_targets(visit, settings);
        }
        if (!visit.dynamic.empty()) {
            settings.dynamic = taken("--dynamic", parse_dynamic(visit.dynamic));
        }
        const bool has_nothing = settings.forwards.empty() && !settings.dynamic && !settings.stdio;
        if (has_nothing && errors_.lines.empty()) {
            wrong("targets", "what is to be reached? For example: work-pc:3389");
        }
        if (!visit.relay_key.empty()) {
            settings.relay_key = taken("--relay-key", parse_fingerprint(visit.relay_key));
        }
        if (visit.end_to_end) settings.end_to_end = EndToEnd::Required;
        if (visit.no_end_to_end) settings.end_to_end = EndToEnd::Off;
        for (const std::string& text : visit.home_keys) {
            const auto key = taken("--home-key", parse_home_key(text));
            if (key) settings.home_keys.insert(settings.home_keys.begin(), *key);
        }
        if (!visit.name.empty()) settings.name = visit.name;
        if (!visit.proxy.empty()) settings.proxy = visit.proxy;
        apply_carrier(visit.carrier, settings);
        apply_knock(visit.knock, settings);
        if (!visit.key.empty()) settings.key = visit.key;
    }

    ConfigurationErrors& errors() { return errors_; }

private:
    void apply_carrier(const std::string& text, DialSettings& settings) {
        if (text.empty()) return;
        const auto choice = taken("--carrier", parse_carrier_choice(text));
        if (choice) settings.roads.carrier = *choice;
    }

    void apply_knock(const std::string& text, DialSettings& settings) {
        if (text.empty()) return;
        if (const auto port = taken("--knock", parse_knock_port(text))) settings.knock = *port;
    }

    // A socket is forwarded only if somebody says where to listen; here nobody listens.
    static std::string_view nowhere(std::string_view target) {
        return is_unix(target) ? "1" : std::string_view{};
    }

    void apply_stdio(const RunVisit& visit, VisitSettings& settings) {
        const bool is_one = visit.targets.size() == 1 && visit.listen.empty();
        const auto target = is_one ? taken("targets", parse_visit(visit.targets.front(),
                                                                  nowhere(visit.targets.front())))
                                   : std::nullopt;
        if (!visit.protocol.empty()) {
            return wrong("--stdio",
                         "cannot carry FTP, which makes a connection for each file: "
                         "relayd visit URL work-pc:21 --listen 2121 --protocol ftp");
        }
        if (!is_one || !visit.dynamic.empty() || (target && target->size() != 1)) {
            wrong("--stdio", "is for one target alone: relayd visit URL work-pc:22 --stdio");
        } else if (target) {
            settings.stdio = target->front().target;
            settings.forwards.clear();
            settings.dynamic.reset();
        }
    }

    void apply_targets(const RunVisit& visit, VisitSettings& settings) {
        if (!visit.targets.empty()) settings.forwards.clear();
        if (visit.targets.empty() && !visit.protocol.empty()) {
            wrong("--protocol", "of what? For example: work-pc:21");
        }
        for (std::size_t i = 0; i < visit.targets.size(); ++i) {
            const std::string listen = i < visit.listen.size() ? visit.listen[i] : std::string();
            auto forwards = taken("targets", parse_visit(visit.targets[i], listen));
            if (!forwards) continue;
            const auto ftp = taken(
                "--protocol", parse_ftp({visit.protocol, {}, visit.ftp_tls}, forwards->front()));
            if (!ftp) continue;
            for (ForwardSettings& forward : *forwards) forward.ftp = *ftp;
            auto& all = settings.forwards;
            all.insert(all.end(), forwards->begin(), forwards->end());
        }
        if (settings.forwards.size() > max_forwards_per_home) {
            wrong("targets", "more than 4096 ports");
        }
    }

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

// What a setting names as "credential:NAME" is a file that the service manager has laid out for
// this process: LoadCredential=NAME:FILE.
void find_credential(const char* setting, std::string& path, ConfigurationErrors& errors) {
    constexpr std::string_view prefix = "credential:";
    if (!path.starts_with(prefix)) return;
    const std::string name = path.substr(prefix.size());
    const std::string dir = environment("CREDENTIALS_DIRECTORY");
    const std::string file = dir + "/" + name;
    if (!dir.empty() && access(file.c_str(), F_OK) == 0) {
        path = file;
        return;
    }
    errors.lines.push_back(fmt::format(
        "relayd: {}: the service manager passes no credential \"{}\"; systemctl edit relayd: "
        "[Service] LoadCredential={}:/etc/relayd/{}",
        setting, name, name, name));
}

ConfigurationErrors find_credentials(Settings& settings) {
    ConfigurationErrors errors;
    if (settings.home) find_credential("key", settings.home->key, errors);
    if (settings.visit) find_credential("key", settings.visit->key, errors);
    if (settings.relay) {
        find_credential("key", settings.relay->key, errors);
        find_credential("certificate", settings.relay->certificate, errors);
        find_credential("certificate-key", settings.relay->certificate_key, errors);
    }
    return errors;
}

void fill_in(Settings& settings) {
    if (settings.state_dir.empty()) settings.state_dir = default_state_dir();
    if (settings.control.empty()) settings.control = default_control();
    if (settings.home && settings.home->name.empty()) settings.home->name = host_name();
    if (settings.visit && settings.visit->name.empty()) settings.visit->name = host_name();
}

// Many may run at once, each for a connection or two: none takes the control socket unless told,
// and whoever asked for one stream wants to hear of trouble alone.
void fill_in_visit(const Options& options, const RunVisit& visit, Settings& settings) {
    if (options.common.config.empty() && options.common.control.empty()) settings.control.clear();
    if (visit.stdio && options.common.log_level.empty()) settings.log_level = LogLevel::Warning;
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
    const std::string& configured = settings.relay  ? settings.relay->key
                                    : settings.home ? settings.home->key
                                                    : settings.visit->key;
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
    const auto* visit = std::get_if<RunVisit>(&options.command);
    if (visit != nullptr) line.apply(*visit);
    if (!line.errors().lines.empty()) return line.errors();
    fill_in(configuration.settings);
    if (visit != nullptr) fill_in_visit(options, *visit, configuration.settings);
    auto missing = find_credentials(configuration.settings);
    if (!missing.lines.empty()) return missing;
    return configuration;
}

}  // namespace relay
