#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/doctor/gates_kept.h"
#include "ctl/doctor/home_alone.h"
#include "ctl/doctor/report.h"
#include "ctl/doctor/settings_check.h"
#include "ctl/doctor/who_holds.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

struct Question {
    DoctorSelector which;
    std::string config;
};

void add_status(Checklist& checks, const StatusSnapshot& status) {
    const auto text = fmt::format("relayd {}, a {}, runs since {} (pid {})", status.version,
                                  status.role, age_text(status.started.distance_s), status.pid);
    if (status.problems.empty()) return checks.ok("relayd", text);
    for (const auto& problem : status.problems) checks.warning("relayd", problem, "");
}

// Of a relayd that was started by its command line alone there is no file to read.
void check_its_settings(const Call& call, Checklist& checks, const Question& question,
                        const StatusSnapshot& status) {
    const auto& path = question.config.empty() ? status.config : question.config;
    if (path.empty()) {
        checks.ok("settings", "relayd has its settings from its command line");
    } else {
        // What relayd runs with is another matter.
        const auto configuration = check_settings(checks, path);
        if (configuration) check_gates_kept(checks, configuration->settings, call.control);
    }
}

// What it answers stands behind what we have found ourselves.
Result<Done, ExitCode> ask_relayd(const Call& call, Client& client, const Question& question,
                                  Checklist& checks) {
    const auto told = client.ask("status", "{}");
    if (!told) return say_fault(call, told.error());
    const auto status = from_json<StatusSnapshot>(*told);
    if (!status) return say_not_understood(call, status.error());
    check_its_settings(call, checks, question, *status);
    add_status(checks, *status);
    const auto answer = client.ask("doctor", to_json(question.which));
    if (!answer) return say_fault(call, answer.error());
    auto list = from_json<CheckList>(*answer);
    if (!list) return say_not_understood(call, list.error());
    name_holders(list->checks);
    checks.append(std::move(list->checks));
    return Done{};
}

Result<Done, ExitCode> go_alone(const Call& call, const ClientFault& fault,
                                const Question& question, Checklist& checks) {
    const auto configuration = check_settings(checks, question.config);
    const bool is_denied = fault.kind == ClientFault::Kind::Refused;
    checks.broken("relayd", fault.text,
                  is_denied ? fault.hint
                            : "systemctl start relayd (why it ended: journalctl -u relayd -n 20)");
    if (!configuration || !configuration->settings.home) {
        checks.skipped({"session", "listener", "allow", "target", "protocol"});
        return Done{};
    }
    const auto walked = check_home_alone(checks, *configuration, question.which.port);
    if (walked) return Done{};
    return usage_fault(call.command, walked.error().text);
}

}  // namespace

ExitCode diagnose(Call& call) {
    Question question;
    Arguments arguments{call};
    arguments.app().add_option(
        "PORT", question.which.port,
        "only the way to this forward, by PORT or ADDRESS:PORT; on a home: to this target");
    arguments.app()
        .add_option("--home", question.which.home, "only the ways to this home")
        ->type_name("HOME");
    arguments.app()
        .add_option("--config", question.config, "the settings to check, if not relayd's own")
        ->type_name("FILE");
    if (const auto code = arguments.parse()) return *code;
    Checklist checks{{}};
    auto client = Client::connect(call.control);
    const auto done = client ? ask_relayd(call, *client, question, checks)
                             : go_alone(call, client.error(), question, checks);
    if (!done) return done.error();
    const CheckList list{checks.take(), 0};
    print_out(call.json ? to_json(list) + "\n" : report_text(list.checks, call.colour));
    return has_broken(list.checks) ? ExitCode::Failed : ExitCode::Done;
}

}  // namespace relay
