#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/stale_place.h"
#include "ctl/kernel/process_handle.h"
#include "ctl/output/units.h"
#include "ctl/stale/survey.h"

namespace relay {
namespace {

struct Wishes {
    bool yes = false;
    bool force = false;
    bool dry_run = false;
};

ExitCode refuse(const Call& call, const std::string& text, const std::string& hint = {}) {
    return say_fault(call, {ClientFault::Kind::Refused, text, hint});
}

// To stderr, so that --json has stdout.
void say_plan(const HeldPort& held) {
    for (const auto& holder : held.snapshot.holders) {
        fmt::print(stderr,
                   "{} is held by process {} of {}: {}\n  it runs for {}{}{}; probe: {}{}{}\n",
                   printable(held.snapshot.listen), holder.pid, printable(holder.user),
                   printable(holder.command), age_text(holder.since.distance_s),
                   holder.client.empty() ? "" : ", for " + printable(holder.client),
                   holder.login.empty() ? "" : ", login session " + printable(holder.login),
                   held.snapshot.probe->verdict, held.snapshot.probe->detail.empty() ? "" : ", ",
                   printable(held.snapshot.probe->detail));
    }
}

bool asks_and_hears_yes() {
    fmt::print(stderr, "end it? [y/N] ");
    std::fflush(stderr);
    const int answer = std::getchar();
    return answer == 'y' || answer == 'Y';
}

Result<Ended> end_holder(const Holder& holder, const TcpListening& listener) {
    const auto process = ProcessHandle::open(holder.process.pid);
    if (!process && process.error().code == ErrorCode::NotFound) return Ended::Already;
    if (!process) return process.error();
    // From here on the handle means the process that is looked at now, and no other.
    if (!still_holds(holder, listener)) return Ended::Already;
    return end_process(*process);
}

const char* text_of(Ended ended) {
    switch (ended) {
        case Ended::Already: return "holds it no longer";
        case Ended::ByTerm: return "has ended";
        case Ended::ByKill: return "had to be killed";
    }
    return "";
}

ExitCode end_all(const Call& call, const Survey& survey, StaleKill& result) {
    result.ended = true;
    for (const auto& held : survey.held) {
        for (const auto& holder : held.holders) {
            const auto ended = end_holder(holder, held.listener);
            if (!ended) {
                result.ended = false;
                return refuse(call, ended.error().text);
            }
            fmt::print(stderr, "process {} {}\n", holder.process.pid, text_of(*ended));
        }
    }
    return ExitCode::Done;
}

// The very sockets are gone: who listens there now has come since.
bool is_free(const Survey& survey) {
    const auto now = listening_sockets();
    return now && std::ranges::none_of(survey.held, [&](const HeldPort& held) {
               return std::ranges::find(*now, held.listener.inode, &TcpListening::inode) !=
                      now->end();
           });
}

// Nothing if all of them may be ended.
std::optional<ExitCode> refusal(const Call& call, const Survey& survey, const Wishes& wishes) {
    for (const auto& held : survey.held) {
        const auto& listen = held.snapshot.listen;
        if (held.holders.empty()) {
            return refuse(
                call, fmt::format("who holds {} cannot be seen: {}", listen, held.snapshot.unseen),
                ::geteuid() == 0 ? "" : "try: sudo relayctl stale kill");
        }
        if (!held.snapshot.alive.empty() && !wishes.force) {
            return refuse(call, fmt::format("{} is not stale: {}", listen, held.snapshot.alive),
                          "to end it nevertheless: --force");
        }
    }
    return {};
}

ExitCode kill_held(const Call& call, const Survey& survey, const Wishes& wishes) {
    for (const auto& held : survey.held) say_plan(held);
    if (const auto refused = refusal(call, survey, wishes)) return *refused;
    StaleKill result;
    for (const auto& held : survey.held) result.stale.push_back(held.snapshot);
    auto code = ExitCode::Done;
    if (!wishes.dry_run) {
        if (!wishes.yes && (::isatty(STDIN_FILENO) != 1 || call.json)) {
            return refuse(call, "nobody is there to ask", "to end it without a question: --yes");
        }
        if (!wishes.yes && !asks_and_hears_yes()) return refuse(call, "nothing was ended");
        code = end_all(call, survey, result);
        result.free = is_free(survey);
    }
    if (call.json) print_out(to_json(result) + "\n");
    if (code == ExitCode::Done && !wishes.dry_run && !result.free) {
        return refuse(call, "the port is still held");
    }
    return code;
}

}  // namespace

ExitCode kill_stale(Call& call) {
    std::string place, probe = "auto";
    Wishes wishes;
    SurveyOptions options{.control = call.control};
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("PORT", place, "which: PORT, on any address, or ADDRESS:PORT")->required();
    app.add_flag("--yes", wishes.yes, "do not ask");
    app.add_flag("--force", wishes.force, "end it though it serves");
    app.add_flag("--dry-run", wishes.dry_run, "only say what would be done");
    app.add_option(
           "--probe", probe,
           "how to try whether it serves: tcp, rdp, ssh, http, tls, ftp or vnc; by its port "
           "unless said otherwise")
        ->type_name("KIND");
    if (const auto code = arguments.parse()) return *code;
    const auto only = parse_stale_place(place);
    if (!only) return usage_fault(call.command, only.error().text);
    const auto kind = probe_kind_of(probe);
    if (!kind) return usage_fault(call.command, "no probe is called \"" + probe + "\"");
    options.only = *only;
    options.probe = *kind;
    const auto survey = survey_ports(options);
    if (!survey) return refuse(call, survey.error().text);
    if (survey->held.empty()) {
        fmt::print(stderr, "nobody listens on {}\n", printable(place));
        if (call.json) print_out(to_json(StaleKill{{}, false, true}) + "\n");
        return ExitCode::Done;
    }
    return kill_held(call, *survey, wishes);
}

}  // namespace relay
