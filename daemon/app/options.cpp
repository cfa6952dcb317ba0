#include "daemon/app/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "daemon/app/completion.h"

namespace relay {

namespace {

void add_common(CLI::App& command, CommonOptions& common) {
    command.add_option("--config", common.config, "Configuration file")->type_name("FILE");
    command
        .add_option("--state-dir", common.state_dir, "Where keys and run-time settings are kept")
        ->type_name("DIR");
    command.add_option("--control", common.control, "Socket that relayctl talks to")
        ->type_name("SOCKET");
    command.add_option("--log-level", common.log_level, "debug, info, warning or error")
        ->type_name("LEVEL");
}

void add_carrier(CLI::App& command, std::string& carrier) {
    command.add_option("--carrier", carrier, "auto, wss or poll: how to get to the relay")
        ->type_name("KIND");
}

void add_knock(CLI::App& command, std::string& knock) {
    command.add_option("--knock", knock, "Knock at the relay first, at this port of UDP, or yes")
        ->type_name("PORT");
}

struct Commands {
    RunRelay relay;
    RunHome home;
    Join join;
    KeyShow key;
    CheckFile check;
    RunVisit visit;
};

void add_home(CLI::App& home, RunHome& options) {
    home.add_option("relay", options.relays,
                    "The relay, as wss://vps.example.com; several are tried in order")
        ->type_name("URL");
    home.add_option("--name", options.name,
                    "How the relay calls this home (default: the host's name)")
        ->type_name("NAME");
    home.add_option("--allow", options.allow, "What the relay may make this home dial, HOST:PORT")
        ->type_name("TARGET");
    home.add_option("--relay-key", options.relay_key,
                    "Fingerprint of the relay's identity, SHA256:…")
        ->type_name("FINGERPRINT");
    home.add_option("--proxy", options.proxy, "Proxy to dial through, http://user:pass@host:port")
        ->type_name("URL");
    add_carrier(home, options.carrier);
    add_knock(home, options.knock);
    home.add_option("--key", options.key, "Private key in OpenSSH's format")->type_name("FILE");
}

void add_join(CLI::App& join, Join& options) {
    join.add_option("url", options.url, "The relay, as wss://vps.example.com")
        ->type_name("URL")
        ->required();
    join.add_option("token", options.token, "What relayctl invite printed there")
        ->type_name("TOKEN")
        ->required();
    join.add_flag("--yes", options.yes, "Allow the targets that the invitation names, unasked");
    join.add_flag("--no-start", options.no_start, "Do not make it a service");
    join.add_option("--proxy", options.proxy, "Proxy to dial through, http://user:pass@host:port")
        ->type_name("URL");
    add_carrier(join, options.carrier);
    add_knock(join, options.knock);
    join.add_option("--key", options.key, "Private key in OpenSSH's format; made if there is none")
        ->type_name("FILE");
}

void add_visit(CLI::App& visit, RunVisit& options) {
    visit.add_option("relay", options.relay, "The relay, as wss://vps.example.com")
        ->type_name("URL");
    visit
        .add_option("targets", options.targets,
                    "What to reach, as HOME:PORT, or HOME:FIRST-LAST; several are allowed")
        ->type_name("TARGET");
    visit
        .add_option("--listen", options.listen,
                    "Where to listen for each target, in order (default: its port on 127.0.0.1)")
        ->type_name("LISTENER")
        ->allow_extra_args(false);
    visit.add_flag("--stdio", options.stdio,
                   "Connect stdin and stdout to the target, as for ssh's ProxyCommand");
    visit
        .add_option("--dynamic", options.dynamic,
                    "Where to speak SOCKS5, as 127.0.0.1:1080; hosts are homes")
        ->type_name("LISTENER");
    visit
        .add_option("--protocol", options.protocol,
                    "ftp: the data connections of the FTP servers are listened for here too")
        ->type_name("PROTOCOL");
    visit
        .add_option("--ftp-tls", options.ftp_tls,
                    "pass: leave FTP's AUTH TLS to the server; refuse: have it refused")
        ->type_name("WHAT");
    CLI::Option* only = visit.add_flag("--end-to-end", options.end_to_end,
                                       "Reach only what encrypts between itself and us");
    visit
        .add_flag("--no-end-to-end", options.no_end_to_end,
                  "Do not encrypt between the home and us")
        ->excludes(only);
    visit
        .add_option("--home-key", options.home_keys,
                    "Whose key a home must show, as work-pc=SHA256:…; several are allowed")
        ->type_name("HOME=FINGERPRINT")
        ->allow_extra_args(false);
    visit.add_option("--name", options.name, "What the relay's log calls this visitor")
        ->type_name("NAME");
    visit
        .add_option("--relay-key", options.relay_key,
                    "Fingerprint of the relay's identity, SHA256:…")
        ->type_name("FINGERPRINT");
    visit.add_option("--proxy", options.proxy, "Proxy to dial through, http://user:pass@host:port")
        ->type_name("URL");
    add_carrier(visit, options.carrier);
    add_knock(visit, options.knock);
    visit.add_option("--key", options.key, "Private key in OpenSSH's format")->type_name("FILE");
}

}  // namespace

std::variant<Options, int> parse_options(int count, char** arguments) {
    Options options;
    Commands commands;
    CLI::App app{
        "relayd reaches machines that nothing can reach.\n"
        "Without a command it takes its role from the configuration file.",
        "relayd"};
    app.set_version_flag("--version", std::string("relayd ") + RELAYD_VERSION);
    app.require_subcommand(0, 1);
    add_common(app, options.common);

    CLI::App& relay = *app.add_subcommand("relay", "Be a relay, in the foreground");
    add_common(relay, options.common);
    relay
        .add_option("--listen", commands.relay.listen,
                    "Where homes dial in, as wss://0.0.0.0:443; also ws:// and tls://")
        ->type_name("URL");
    relay
        .add_option("--trusted-proxy", commands.relay.trusted_proxies,
                    "Who may end TLS and say who is behind it, as 127.0.0.1; needed for ws://")
        ->type_name("NETWORK");
    CLI::App& home = *app.add_subcommand("home", "Be a home, in the foreground");
    add_common(home, options.common);
    add_home(home, commands.home);
    CLI::App& join = *app.add_subcommand("join", "Become a home of the relay that invited you");
    add_common(join, options.common);
    add_join(join, commands.join);
    CLI::App& visit = *app.add_subcommand("visit", "Be a visitor, in the foreground");
    add_common(visit, options.common);
    add_visit(visit, commands.visit);
    CLI::App& key = *app.add_subcommand("key", "The own identity");
    key.require_subcommand(1);
    CLI::App& show = *key.add_subcommand("show", "Print the public key and its fingerprint");
    add_common(show, options.common);
    show.add_option("--key", commands.key.key, "Private key in OpenSSH's format")
        ->type_name("FILE");
    CLI::App& check = *app.add_subcommand("check", "Check a configuration file");
    check.add_option("file", commands.check.file, "The file")->type_name("FILE")->required();

    if (answer_completion(app, {arguments, static_cast<std::size_t>(count)})) return 0;
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        const int code = app.exit(error);
        return code == 0 ? 0 : 2;
    }
    if (relay.parsed()) options.command = commands.relay;
    if (home.parsed()) options.command = commands.home;
    if (visit.parsed()) options.command = commands.visit;
    if (join.parsed()) options.command = commands.join;
    if (show.parsed()) options.command = commands.key;
    if (check.parsed()) options.command = commands.check;
    return options;
}

}  // namespace relay
