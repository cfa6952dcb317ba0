#include "ctl/doctor/home_alone.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "common/crypto/secure_random.h"
#include "daemon/checks/home_checkup.h"
#include "daemon/identity/file.h"
#include "daemon/identity/identity_store.h"
#include "daemon/io/loop.h"

namespace relay {
namespace {

constexpr std::size_t allow_max_bytes = 1 << 20;

// Root reads the service's key as its owner: whose it is, is part of what is checked.
class AsOwner {
public:
    explicit AsOwner(const std::string& path) {
        struct stat status {};
        if (::geteuid() != 0 || ::stat(path.c_str(), &status) != 0 || status.st_uid == 0) return;
        is_other_ = ::seteuid(status.st_uid) == 0;
    }
    ~AsOwner() {
        if (is_other_ && ::seteuid(0) != 0) std::abort();
    }
    AsOwner(const AsOwner&) = delete;
    AsOwner& operator=(const AsOwner&) = delete;

private:
    bool is_other_ = false;
};

Result<Identity> read_identity(const std::string& path) {
    const AsOwner owner{path};
    const char* agent = std::getenv("SSH_AUTH_SOCK");
    return load_identity(path, agent == nullptr ? "" : agent);
}

// Those that relayctl allow has added.
std::vector<AllowRule> rules_of_state(const std::string& state_dir) {
    std::vector<AllowRule> rules;
    const auto text = read_file(state_dir + "/allow", allow_max_bytes);
    std::string_view rest = text ? std::string_view{*text} : std::string_view{};
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        if (const auto rule = parse_allow_rule(rest.substr(0, end))) rules.push_back(*rule);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
    return rules;
}

}  // namespace

Status check_home_alone(Checklist& checks, const Configuration& configuration,
                        const std::string& only) {
    const Settings& settings = configuration.settings;
    const auto choice = parse_target_choice(only);
    if (!choice) return choice.error();
    HomeCheckup::Options options;
    options.settings = *settings.home;
    options.state_dir = settings.state_dir;
    options.only = *choice;
    options.allow = settings.home->allow;
    const auto added = rules_of_state(settings.state_dir);
    options.allow.insert(options.allow.end(), added.begin(), added.end());

    const auto identity = read_identity(key_path(settings));
    if (!identity) options.key_trouble = identity.error().text;
    SecureRandom random;
    Loop loop;
    HomeCheckup::Findings findings;
    {
        HomeCheckup checkup{loop, random, identity ? &*identity : nullptr, std::move(options),
                            [&](HomeCheckup::Findings found) {
                                findings = std::move(found);
                                loop.stop();
                            }};
        loop.run();
    }
    checks.append(std::move(findings.way));
    checks.skipped("session", "there is none without relayd");
    checks.append(std::move(findings.targets));
    return Done{};
}

}  // namespace relay
