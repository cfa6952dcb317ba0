#include <fmt/format.h>

#include "ctl/arguments.h"
#include "ctl/asking.h"
#include "ctl/command_table.h"
#include "ctl/commands/probe_cell.h"

namespace relay {
namespace {

std::string kept_text(const ForwardSnapshot& forward) {
    if (!forward.expires) return forward.origin;
    return fmt::format("{}, {} left", forward.origin, age_text(forward.expires->distance_s));
}

Cell state_cell(const ForwardSnapshot& forward) {
    if (!forward.denied.empty()) return {"denied: " + forward.denied, Tone::Bad};
    const auto gate = forward.gate.empty() ? "" : ", behind the gate " + forward.gate;
    if (forward.listening) return {"listening" + gate, Tone::Good};
    return {forward.error.empty() ? "not listening" : forward.error, Tone::Bad};
}

void show(const Call& call, const ForwardList& list) {
    if (list.forwards.empty()) {
        return print_out("no forwards; to add one: relayctl forward add PORT\n");
    }
    Table table{{{"LISTEN"},
                 {"HOME"},
                 {"TARGET"},
                 {"STATE"},
                 {"PROBE"},
                 {"KEPT"},
                 {"STREAMS", Align::Right},
                 {"TOTAL", Align::Right},
                 {"REFUSED", Align::Right}}};
    for (const auto& forward : list.forwards) {
        table.add({forward.listen, home_and_relay(forward), forward.target, state_cell(forward),
                   Cell{fmt::format("{}: {}", forward.probe_kind, probe_text(forward.probe)),
                        probe_tone(forward.probe)},
                   kept_text(forward), std::to_string(forward.streams),
                   std::to_string(forward.streams_total), std::to_string(forward.refused)});
    }
    print_out(table.text(call.colour));
    print_left_off(call, list.left_off, list.next);
}

void tell(const char* what, const ForwardList& list) {
    for (const auto& forward : list.forwards) {
        fmt::print("{} {} -> {} {} ({})\n", what, printable(forward.listen),
                   printable(forward.home), printable(forward.target),
                   printable(kept_text(forward)));
    }
}

// "3389" listens on 127.0.0.1:3389 for the home's 3389; --listen names another place to listen, and
// LISTEN is then the home's port.
void apply_listen_option(AddForward& request, const std::string& listen_at) {
    if (listen_at.empty()) return;
    if (request.to.empty()) request.to = request.listen;
    request.listen = listen_at;
}

}  // namespace

ExitCode add_forward(Call& call) {
    AddForward request;
    std::string listen_at;
    Arguments arguments{call};
    auto& app = arguments.app();
    app.add_option("LISTEN", request.listen,
                   "where to listen: PORT, FIRST-LAST, ADDRESS:PORT or unix:/PATH; 127.0.0.1 "
                   "unless said otherwise")
        ->required();
    app.add_option("--home", request.home, "whose; needed if there are several")->type_name("HOME");
    app.add_option("--to", request.to,
                   "what the home dials: HOST:PORT, unix:/PATH or PORT; its own LISTEN "
                   "port unless said otherwise")
        ->type_name("TARGET");
    app.add_option("--listen", listen_at, "where to listen, if not at the port given first")
        ->type_name("ADDRESS:PORT");
    app.add_option("--probe", request.probe,
                   "how to try the target: tcp, rdp, ssh, http, tls, ftp, vnc or none; by its port "
                   "unless said otherwise")
        ->type_name("KIND");
    arguments.add_duration("--grace", request.grace_s,
                           "how long visitors wait for a home that is away");
    app.add_flag("--temporary", request.temporary, "forget it when relayd ends");
    arguments.add_duration("--for", request.for_s, "remove it after this time");
    app.add_flag("--proxy-protocol", request.proxy_protocol,
                 "tell the target who the visitor is, by a PROXY protocol header");
    app.add_option("--protocol", request.protocol,
                   "ftp: the data connections of an FTP server come by the relay too")
        ->type_name("PROTOCOL");
    app.add_option("--data-ports", request.data_ports,
                   "where FTP's data connections come to; any port unless said otherwise")
        ->type_name("FIRST-LAST");
    app.add_option("--ftp-tls", request.ftp_tls,
                   "what becomes of AUTH TLS: pass, or refuse, since no data connection can be "
                   "seen behind it")
        ->type_name("WHAT");
    app.add_option("--mode", request.mode,
                   "of the file of a unix socket; 0660 unless said otherwise")
        ->type_name("MODE");
    app.add_option("--group", request.group, "whose that file is, if not relayd's own")
        ->type_name("GROUP");
    app.add_option("--gate", request.gate,
                   "the gate that it is behind; the relay's default-gate unless said otherwise")
        ->type_name("GATE");
    if (const auto code = arguments.parse()) return *code;
    apply_listen_option(request, listen_at);
    return ask<ForwardList>(call, "forwards.add", to_json(request),
                            [](const ForwardList& list) { tell("forward", list); });
}

ExitCode show_forwards(Call& call) {
    ListPart part;
    Arguments arguments{call};
    add_part_options(arguments.app(), part);
    if (const auto code = arguments.parse()) return *code;
    return ask_list<ForwardList>(call, "forwards.list", part,
                                 [&](const ForwardList& list) { show(call, list); });
}

ExitCode remove_forward(Call& call) {
    ForwardSelector which;
    Arguments arguments{call};
    arguments.app()
        .add_option("LISTEN", which.listen, "PORT, FIRST-LAST, ADDRESS:PORT or unix:/PATH")
        ->required();
    arguments.app().add_option("--home", which.home, "whose")->type_name("HOME");
    if (const auto code = arguments.parse()) return *code;
    return ask<ForwardList>(call, "forwards.remove", to_json(which),
                            [](const ForwardList& list) { tell("removed", list); });
}

}  // namespace relay
