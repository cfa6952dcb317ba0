#include "daemon/app/join.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "common/base/text.h"
#include "common/settings/gate.h"
#include "common/settings/home_text.h"
#include "daemon/app/configuration.h"
#include "daemon/app/enrolment.h"
#include "daemon/app/identity.h"
#include "daemon/app/ownership.h"
#include "daemon/identity/file.h"
#include "daemon/io/system_clock.h"

extern char** environ;

namespace relay {

namespace {

constexpr int done = 0, failed = 1, in_the_way = 2;

template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
    fmt::print("{}\n", fmt::format(format, std::forward<Args>(args)...));
    std::fflush(stdout);
}

int fault(int code, const std::string& text, const std::string& hint = {}) {
    fmt::print(stderr, "relayd join: {}\n", text);
    if (!hint.empty()) fmt::print(stderr, "  {}\n", hint);
    return code;
}

std::string age(std::int64_t seconds) {
    return duration_text(std::chrono::seconds(seconds < 0 ? -seconds : seconds));
}

bool is_root() {
    return ::geteuid() == 0;
}

bool has_systemd() {
    struct stat status {};
    return ::stat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

// With our own standard output and error. -1 if it cannot be run.
int run(const std::vector<const char*>& words) {
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const char* word : words) arguments.push_back(const_cast<char*>(word));
    arguments.push_back(nullptr);
    pid_t child = 0;
    int status = 0;
    if (::posix_spawnp(&child, words[0], nullptr, nullptr, arguments.data(), environ) != 0) {
        return -1;
    }
    if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

class Joining {
public:
    Joining(const Options& options, const Join& command) : options_(options), command_(command) {}

    int run() {
        for (const auto step :
             {&Joining::read_words, &Joining::look_at_configuration, &Joining::show_and_ask,
              &Joining::register_key, &Joining::write_configuration}) {
            const int code = (this->*step)();
            if (code != done) return code;
        }
        return start();
    }

private:
    int read_words() {
        const auto relay = parse_endpoint(command_.url);
        if (!relay) return fault(in_the_way, "the relay's URL: " + relay.error().text);
        relay_ = *relay;
        if (!command_.carrier.empty()) {
            const auto carrier = parse_carrier_choice(command_.carrier);
            if (!carrier) return fault(in_the_way, "--carrier: " + carrier.error().text);
            carrier_ = *carrier;
        }
        if (!command_.knock.empty()) {
            const auto port = parse_knock_port(command_.knock);
            if (!port) return fault(in_the_way, "--knock: " + port.error().text);
            knock_ = *port;
        }
        auto invitation = parse_token(command_.token);
        if (!invitation) return fault(in_the_way, invitation.error().text);
        invitation_ = std::move(*invitation);
        const CommonOptions& common = options_.common;
        config_ = common.config.empty() ? home_config_path() : common.config;
        state_dir_ = common.state_dir.empty() ? default_state_dir() : common.state_dir;
        return done;
    }

    // A file that is there already is never written to. It may be that of this very home: then
    // only its key is registered.
    int look_at_configuration() {
        if (::access(config_.c_str(), F_OK) != 0) return done;
        const std::string elsewhere =
            "to keep it, join with another --config, --state-dir and --control; to replace it, "
            "move it away";
        auto loaded = load_file(config_);
        if (!loaded) {
            return fault(in_the_way,
                         fmt::format("{} is there already, and has errors: {}", config_,
                                     fmt::join(loaded.error().lines, "; ")),
                         elsewhere);
        }
        if (!loaded->home) {
            return fault(in_the_way, config_ + " makes this machine a relay", elsewhere);
        }
        const HomeSettings& home = *loaded->home;
        const bool is_same = home.name == invitation_.home && has_relay(home);
        if (!is_same) {
            return fault(in_the_way,
                         fmt::format("{} makes this machine the home {} of {} already", config_,
                                     home.name, to_text(endpoints_of(home).front())),
                         elsewhere);
        }
        existing_ = home;
        if (options_.common.state_dir.empty() && !loaded->state_dir.empty()) {
            state_dir_ = loaded->state_dir;
        }
        return done;
    }

    int show_and_ask() {
        const auto wall =
            std::chrono::duration_cast<std::chrono::seconds>(wall_time().time_since_epoch());
        const std::int64_t left = invitation_.expires_unix_s - wall.count();
        say("You are invited to the relay {}", to_text(relay_));
        say("  the relay's key  {}", to_text(invitation_.relay));
        say("  this home        {}", invitation_.home);
        say("  the invitation   {} {} {}, by this machine's clock",
            left < 0 ? "expired" : "holds for", age(left), left < 0 ? "ago" : "more");
        for (const HostPortRange& target : invitation_.targets) {
            const auto rule = parse_allow_rule(to_text(target));
            if (!rule) return fault(in_the_way, "the token's target: " + rule.error().text);
            const bool known =
                existing_ && std::find(existing_->allow.begin(), existing_->allow.end(), *rule) !=
                                 existing_->allow.end();
            say("  it asks to reach {}{}", to_text(target), known ? " (allowed already)" : "");
            if (!known) wanted_.push_back(*rule);
        }
        if (wanted_.empty() || existing_) return done;
        if (command_.yes || agrees()) {
            allowed_ = wanted_;
            wanted_.clear();
        }
        return done;
    }

    static bool agrees() {
        if (::isatty(STDIN_FILENO) != 1) return false;
        fmt::print("May the relay make this machine connect there, now and later? [y/N] ");
        std::fflush(stdout);
        std::string answer;
        std::getline(std::cin, answer);
        return answer == "y" || answer == "Y" || answer == "yes";
    }

    int register_key() {
        (void)std::signal(SIGPIPE, SIG_IGN);
        const bool is_services = is_root() && state_dir_ == default_state_dir();
        const auto owner =
            make_owned_directory(state_dir_, is_services ? service_user() : std::nullopt);
        if (!owner) return fault(failed, owner.error().text);
        const ActingAs acting{*owner};
        const std::string path = !command_.key.empty() ? command_.key
                                 : existing_ && !existing_->key.empty()
                                     ? existing_->key
                                     : state_dir_ + "/id_ed25519";
        const auto identity = open_identity(path);
        if (!identity) return fault(failed, identity.error().text);
        say("this machine's key is {}", to_text(fingerprint_of(identity->public_key())));
        const std::string proxy = !command_.proxy.empty() ? command_.proxy
                                  : existing_             ? existing_->proxy
                                                          : std::string();
        DialSettings dialling = existing_ ? *existing_ : DialSettings{};
        dialling.proxy = proxy;
        if (!command_.carrier.empty()) dialling.roads.carrier = carrier_;
        if (!command_.knock.empty()) dialling.knock = knock_;
        const auto enrolled = enrol({relay_, invitation_, dialling}, *identity,
                                    [](const std::string& line) { say("{}", line); });
        if (!enrolled) return fault(failed, enrolled.error().text, enrolled.error().hint);
        say("the relay knows this machine as {} now", name());
        return done;
    }

    int write_configuration() {
        if (existing_) {
            say("{} stays as it is", config_);
            return done;
        }
        HomeSettings home;
        home.name = name();
        home.relays = {relay_};
        home.relay_key = invitation_.relay;
        home.key = command_.key;
        home.proxy = command_.proxy;
        home.roads.carrier = carrier_;
        home.knock = knock_;
        home.allow = allowed_;
        const std::string text = home_text(home);
        const Status made = make_directory(std::filesystem::path(config_).parent_path(), 0755);
        Status written = made;
        if (made) written = create_file(config_, bytes_of(text), 0600);
        if (!written) {
            return fault(failed, written.error().text,
                         "the relay knows this machine: once that is mended, the same command goes "
                         "on from here");
        }
        // The service reads it by its group.
        const auto service = is_root() ? service_user() : std::nullopt;
        if (service && ::chown(config_.c_str(), 0, service->group) == 0) {
            (void)::chmod(config_.c_str(), 0640);  // Else the service says what it cannot read.
        }
        say("{} is written", config_);
        return done;
    }

    // A relayd that runs already keeps its session; one that was removed waits, and is told not to.
    int start() {
        for (const AllowRule& rule : wanted_) {
            say("{0} is not allowed; to allow it, once relayd runs: relayctl allow {0}",
                to_text(rule));
        }
        const bool as_service = is_root() && has_systemd() && !command_.no_start &&
                                options_.common.config.empty() && options_.common.state_dir.empty();
        if (!as_service) {
            say("to run it: {}", command_line());
            if (existing_) say("if it runs already, this makes it dial now: relayctl reload");
            return done;
        }
        if (relay::run({"systemctl", "enable", "--now", "relayd"}) != 0) {
            return fault(failed, "systemctl could not start relayd",
                         "see: journalctl -u relayd; in the foreground: " + command_line());
        }
        if (existing_) (void)relay::run({"systemctl", "reload", "relayd"});
        say("relayd runs, and will after each boot; to see how it is: relayctl status");
        return done;
    }

    std::string command_line() const {
        std::string line = "relayd";
        const CommonOptions& common = options_.common;
        if (!common.config.empty()) line += " --config " + common.config;
        if (!common.state_dir.empty()) line += " --state-dir " + common.state_dir;
        if (!common.control.empty()) line += " --control " + common.control;
        return line;
    }

    const std::string& name() const { return invitation_.home; }

    // Whether one of its relays is that of the invitation.
    bool has_relay(const HomeSettings& home) const {
        const auto all = relays_of(home);
        return std::any_of(all.begin(), all.end(), [&](const auto& entry) {
            const auto& [known_as, relay] = entry;
            return (!relay.relay_key || relay.relay_key == invitation_.relay) &&
                   std::find(relay.relays.begin(), relay.relays.end(), relay_) !=
                       relay.relays.end();
        });
    }

    const Options& options_;
    const Join& command_;
    Endpoint relay_;
    CarrierChoice carrier_ = CarrierChoice::Auto;
    std::uint16_t knock_ = 0;
    Invitation invitation_;
    std::string config_;
    std::string state_dir_;
    std::optional<HomeSettings> existing_;  // Of this very home.
    std::vector<AllowRule> allowed_;
    std::vector<AllowRule> wanted_;  // Asked for, and not allowed.
};

}  // namespace

int join(const Options& options, const Join& command) {
    return Joining{options, command}.run();
}

}  // namespace relay
