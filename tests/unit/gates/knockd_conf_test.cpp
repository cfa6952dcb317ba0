#include "common/gates/knockd_conf.h"

#include <doctest/doctest.h>

namespace relay {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view packaged = R"([options]
	UseSyslog

[openSSH]
	sequence    = 7000,8000,9000
	seq_timeout = 5
	command     = /sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
	tcpflags    = syn

[closeSSH]
	sequence    = 9000,8000,7000
	seq_timeout = 5
	command     = /sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
	tcpflags    = syn

[openHTTPS]
	sequence    = 12345,54321,24680,13579
	seq_timeout = 5
	command     = /usr/local/sbin/knock_add -i -c INPUT -p tcp -d 443 -f %IP%
	tcpflags    = syn
)";

KnockdImport import(std::string_view text) {
    const auto imported = import_knockd_conf(text);
    REQUIRE(imported);
    return *imported;
}

KnockdImport with_command(const std::string& command) {
    return import("[x]\nsequence = 3,1,2\nstart_command = " + command + "\n");
}

}  // namespace

TEST_CASE("the sections that open and close ssh become one gate, others keep their commands") {
    auto imported = import(packaged);
    REQUIRE(imported.gates.size() == 2);
    const auto& https = imported.gates.at("https");
    CHECK(https.ports.empty());
    CHECK(https.stop_command.empty());
    CHECK(https.start_command == std::vector<std::string>{"/usr/local/sbin/knock_add", "-i", "-c",
                                                          "INPUT", "-p", "tcp", "-d", "443", "-f",
                                                          "%IP%"});
    imported.gates.erase("https");
    const auto& ssh = imported.gates.at("ssh");
    CHECK(ssh.ports == std::vector{GatePorts{{22, 22}, Transport::Tcp}});
    CHECK(to_text(ssh.sequence) == "7000/tcp, 8000/tcp, 9000/tcp");
    CHECK(to_text(ssh.close_sequence) == "9000/tcp, 8000/tcp, 7000/tcp");
    CHECK(ssh.within == 5s);
    CHECK(ssh.open_for == 24h);
    CHECK(ssh.allow_ascending);
    REQUIRE(imported.notes.size() == 3);
    CHECK(imported.notes[0] ==
          "[openSSH]: stays open for 24h, where knockd would not close it by itself");
    CHECK(imported.notes[1] ==
          "[openHTTPS]: its commands are run by relayd-hooks, which needs to be enabled: "
          "/usr/local/sbin/knock_add -i -c INPUT -p tcp -d 443 -f %IP%");
    CHECK(
        imported.notes[2] ==
        "gate ssh: any scan that tries one port after another knocks 7000/tcp, 8000/tcp, 9000/tcp; "
        "better: 8000/tcp, 7000/tcp, 9000/tcp, without allow-ascending");
    CHECK(
        gates_yaml(imported.gates) ==
        "gates:\n  ssh:\n    ports: [ 22/tcp ]\n"
        "    sequence: [ 7000/tcp, 8000/tcp, 9000/tcp ]\n    allow-ascending: true\n"
        "    close-sequence: [ 9000/tcp, 8000/tcp, 7000/tcp ]\n    within: 5s\n    open-for: 1d\n");
}

TEST_CASE("timeouts, transports and spellings of knockd's are understood") {
    const auto imported = import(
        "[options]\n logfile = /var/log/knockd.log\n[Remote-Desktop 2]\nSequence = 3:udp, 1:tcp,2\n"
        "Seq_Timeout = 15\nTCPFlags = syn,ack\nCmd_Timeout = 10\n"
        "Start_Command = /usr/sbin/iptables -w -I INPUT 1 -m udp -p udp --destination-port "
        "5000:5010 "
        "-s %IP% -j ACCEPT\nstop_command = whatever\n");
    REQUIRE(imported.gates.size() == 1);
    const auto& gate = imported.gates.at("remote-desktop2");
    CHECK(to_text(gate.sequence) == "3/udp, 1/tcp, 2/tcp");
    CHECK(gate.ports == std::vector{GatePorts{{5000, 5010}, Transport::Udp}});
    CHECK(gate.within == 15s);
    CHECK(gate.open_for == 10s);
    CHECK_FALSE(gate.allow_ascending);
    CHECK(imported.notes ==
          std::vector<std::string>{
              "[Remote-Desktop 2]: the gate closes by itself, without its stop_command: whatever",
              "[Remote-Desktop 2]: a knock of TCP is always a SYN"});
}

TEST_CASE("a command that does anything else is kept, and closes nothing") {
    for (const std::string command :
         {"iptables", "iptables -A INPUT",
          "iptables -A FORWARD -s %IP% -p tcp --dport 22 -j ACCEPT",
          "iptables -A INPUT -s 10.0.0.1 -p tcp --dport 22 -j ACCEPT",
          "iptables -A INPUT -s %IP% -p tcp --dport 22 -j DROP",
          "iptables -A INPUT -s %IP% -p tcp --dport ssh -j ACCEPT",
          "iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT",
          "iptables -A INPUT -i eth0 -s %IP% -p tcp --dport 22 -j ACCEPT"}) {
        CAPTURE(command);
        const auto imported = with_command(command);
        REQUIRE(imported.gates.size() == 1);
        const auto& gate = imported.gates.at("x");
        CHECK(gate.ports.empty());
        REQUIRE(!gate.start_command.empty());
        CHECK(gate.start_command[0] == "iptables");
        CHECK(imported.notes.size() == 1);
    }
    CHECK(with_command("").gates.empty());
    CHECK(with_command("iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT")
              .gates.at("x")
              .start_command.empty());
}

TEST_CASE("what needs a shell gets one, and the end of a knock its own command") {
    for (const std::string command :
         {"iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT; reboot", "echo %IP% >> /tmp/x",
          "/bin/sh -c 'iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT'", "A=1 /bin/x",
          "bin/x %IP%", "/bin/x \"a b\""}) {
        CAPTURE(command);
        CHECK(with_command(command).gates.at("x").start_command ==
              std::vector<std::string>{"/bin/sh", "-c", command});
    }
    const auto imported = import(
        "[x]\nsequence = 3,1,2\nseq_timeout = 7\ncmd_timeout = 20\n"
        "start_command = /bin/let in\t%IP%\nstop_command = /bin/let out \"%IP%\\\"\n"
        "start_command_6 = /bin/let6\n");
    CHECK(gates_yaml(imported.gates) ==
          "gates:\n  x:\n    sequence: [ 3/tcp, 1/tcp, 2/tcp ]\n    within: 7s\n    open-for: 20s\n"
          "    start-command: [ \"/bin/let\", \"in\", \"%IP%\" ]\n"
          "    stop-command: [ \"/bin/sh\", \"-c\", \"/bin/let out \\\"%IP%\\\\\\\"\" ]\n");
    REQUIRE(imported.notes.size() == 2);
    CHECK(imported.notes[1].starts_with("[x]: start_command_6 is left out"));
    CHECK(with_command("/bin/x \x01").gates.empty());
    CHECK(with_command("/bin/x \xff").gates.empty());
}

TEST_CASE("what is no settings of knockd is told, and odd sections are left out") {
    CHECK_FALSE(import_knockd_conf("sequence = 1,2\n[x]\n"));
    CHECK(import("").gates.empty());
    const std::string command = "command = iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT\n";
    CHECK(import("[x]\nsequence = 1,2,99999\n" + command).gates.empty());
    const auto once = import("[x]\none_time_sequences = /etc/x\n" + command);
    CHECK(once.gates.empty());
    REQUIRE(once.notes.size() == 1);
    CHECK(once.notes[0].starts_with("[x]: left out: one_time_sequences are refused"));
    CHECK(import("[x]\nsequence = 3,1,2\n" + command + "[X]\nsequence = 3,1,2\n" + command)
              .notes.size() == 2);
    CHECK(import("[..]\nsequence = 3,1,2\n" + command).gates.contains("gate"));
}

}  // namespace relay
