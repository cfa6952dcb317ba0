// Becomes journalctl, with the matches that find the lines of a home.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "common/base/text.h"
#include "ctl/arguments.h"
#include "ctl/command_table.h"

namespace relay {
namespace {

enum class Journal { Readable, Closed, Missing };

// Where journald keeps what services say, on a disk or in memory.
Journal system_journal() {
    auto found = Journal::Missing;
    for (const char* top : {"/var/log/journal", "/run/log/journal"}) {
        std::error_code ignored;  // A folder that is not there has no entries.
        for (const auto& machine : std::filesystem::directory_iterator(top, ignored)) {
            const auto file = machine.path() / "system.journal";
            if (::access(file.c_str(), R_OK) == 0) return Journal::Readable;
            if (errno != ENOENT) found = Journal::Closed;
        }
        if (ignored == std::errc::permission_denied) found = Journal::Closed;
    }
    return found;
}

// "2h" is two hours ago; all else is as journalctl understands it: yesterday, "2026-11-21 17:00".
std::string since_option(const std::string& text) {
    const auto ago = parse_duration(text);
    if (!ago) return "--since=" + text;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*ago).count();
    return fmt::format("--since=-{}s", seconds);
}

ExitCode say(const std::string& text) {
    fmt::print(stderr, "relayctl log: {}\n", text);
    return ExitCode::Failed;
}

ExitCode become(std::vector<std::string> words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::fflush(stdout);
    ::execvp(pointers[0], pointers.data());
    return say(
        fmt::format("cannot run journalctl: {}\n  without systemd, relayd writes its log to "
                    "its standard error",
                    std::strerror(errno)));
}

}  // namespace

ExitCode show_log(Call& call) {
    std::string home, since, unit = "relayd";
    bool follows = false, explains = false;
    Arguments arguments{call};
    arguments.app().add_option("HOME", home, "only lines about this home");
    arguments.app().add_flag("--follow", follows, "go on with new lines, until Ctrl-C");
    arguments.app()
        .add_option("--since", since, "30m ago, yesterday, \"2026-11-21 17:00\"")
        ->type_name("TIME");
    arguments.app().add_flag("--explain", explains, "say what lines mean, and what to do");
    arguments.app()
        .add_option("--unit", unit, "the service, if it is not relayd")
        ->type_name("UNIT");
    if (const auto code = arguments.parse()) return *code;

    switch (system_journal()) {
        case Journal::Readable: break;
        case Journal::Closed:
            return say(
                "you may not read the system's journal\n  as root: sudo relayctl log; or join the "
                "group: usermod -aG systemd-journal USER, and log in again");
        case Journal::Missing:
            return say("no journal is kept here\n  relayd writes its log to its standard error");
    }
    std::vector<std::string> words{"journalctl", "--quiet", "--unit=" + unit};
    if (follows) words.push_back("--follow");
    if (follows && since.empty()) words.push_back("--lines=10");
    if (!since.empty()) words.push_back(since_option(since));
    if (explains) words.push_back("--catalog");
    if (call.json) words.push_back("--output=json");
    if (!home.empty()) words.push_back("RELAYD_HOME=" + home);
    return become(std::move(words));
}

}  // namespace relay
