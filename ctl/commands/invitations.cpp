#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/output/units.h"

namespace relay {
namespace {

void show(const Call& call, const InvitationList& list) {
    if (list.invitations.empty()) {
        return print_out("nobody is invited; to invite a home: relayctl invite NAME\n");
    }
    Table table{{{"HOME"}, {"MADE"}, {"EXPIRES"}, {"FORWARDS"}}};
    for (const auto& invitation : list.invitations) {
        std::vector<std::string> forwards;
        for (const auto& forward : invitation.forwards) {
            forwards.push_back(fmt::format("{} -> {}", forward.listen, forward.target));
        }
        table.add({invitation.home, age_text(invitation.created.distance_s) + " ago",
                   "in " + age_text(invitation.expires.distance_s),
                   forwards.empty() ? "-" : fmt::format("{}", fmt::join(forwards, "\n"))});
    }
    print_out(table.text(call.colour));
    print_left_off(list.left_off);
}

// The command alone goes to stdout, so that a program can pass it on; what is to be known of it,
// to stderr.
void tell(const InvitationList& list) {
    for (const auto& invitation : list.invitations) {
        print_out(printable(invitation.command) + "\n");
        std::fflush(stdout);
        fmt::print(stderr,
                   "Run this on {} (as root, to make it a service). It works once, within {}.\n",
                   printable(invitation.home), age_text(invitation.expires.distance_s));
        for (const auto& forward : invitation.forwards) {
            fmt::print(stderr, "Then {} here is {} there.\n", printable(forward.listen),
                       printable(forward.target));
        }
        for (const auto& note : invitation.notes) {
            fmt::print(stderr, "Note: {}.\n", printable(note));
        }
    }
}

// "3389", "2222=192.168.1.10:22".
InvitedForward forward_from(const std::string& text) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) return {text, ""};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace

ExitCode invite_home(Call& call) {
    AddInvitation request;
    std::vector<std::string> forwards;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("NAME", request.home, "how the home will be called")->required();
    app.add_option("--forward", forwards,
                   "a forward that it gets: PORT, or LISTEN=TARGET as in 2222=192.168.1.10:22; may "
                   "be repeated")
        ->type_name("FORWARD")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    arguments.add_duration("--expires", request.expires_s, "how long it holds; 15m unless said");
    app.add_option("--url", request.url,
                   "where homes reach this relay, as wss://vps.example.com; unless said, as "
                   "relayd's settings say")
        ->type_name("URL");
    if (const auto code = arguments.parse()) return *code;
    for (const auto& forward : forwards) request.forwards.push_back(forward_from(forward));
    return ask<InvitationList>(call, "invitations.add", to_json(request), tell);
}

ExitCode show_invitations(Call& call) {
    Arguments arguments{call};
    if (const auto code = arguments.parse()) return *code;
    return ask<InvitationList>(call, "invitations.list", "{}",
                               [&](const InvitationList& list) { show(call, list); });
}

ExitCode revoke_invitation(Call& call) {
    RemoveInvitation request;
    Arguments arguments{call};
    arguments.app().add_option("NAME", request.home, "the home that was invited")->required();
    if (const auto code = arguments.parse()) return *code;
    return ask<Nothing>(call, "invitations.remove", to_json(request), [&](const Nothing&) {
        fmt::print("the invitation of {} is revoked\n", printable(request.home));
    });
}

}  // namespace relay
