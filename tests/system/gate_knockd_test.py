#!/usr/bin/env python3
"""knockd beside a gate, both with the sequence of the classic article: the same knocks open both, and what
knockd cuts, the gate keeps."""

from harness.gates import LONG, Gatehouse, echo_on, is_alive
from harness.processes import Scene, run
from testhost import Network, wait_for

HOSTS = ("vps", "visitor", "other", "scanner")
THEIRS, OURS = 3389, 3390
ARTICLE = """[options]
    logfile = {log}
[openRDP]
    sequence = 10001,10002,10003
    seq_timeout = 5
    tcpflags = syn
    start_command = {iptables} -I INPUT -s %IP% -p tcp --dport 3389 -j ACCEPT
    cmd_timeout = 10
    stop_command = {iptables} -D INPUT -s %IP% -p tcp --dport 3389 -j ACCEPT
"""
NO_GATE = 'relay: { listen: "ws://127.0.0.1:9" }\n'


def start_knockd(scene, network):
    iptables = run("sh", "-c", "command -v iptables").stdout.strip()
    log = scene.path("knockd", "log")
    settings = scene.path("knockd", "knockd.conf")
    settings.write_text(ARTICLE.format(log=log, iptables=iptables))
    run(*network.inside("vps"), iptables, "-A", "INPUT", "-p", "tcp", "--dport", str(THEIRS), "-j", "REJECT",
        "--reject-with", "tcp-reset")
    daemon = scene.start("knockd", *network.inside("vps"), "knockd", "-i", "eth0", "-c", settings)

    def listens():
        if not daemon.running():
            raise RuntimeError(f"knockd ended: {daemon.text()}")
        return log.exists() and "listening on eth0" in log.read_text()
    wait_for("knockd to listen", listens, LONG)
    return iptables, settings


def import_gate(house, settings):
    """What knockd's settings say, as a gate before another port."""
    imported = house.relayctl("knock", "import", settings)
    assert "better: 10002/tcp, 10001/tcp, 10003/tcp" in imported.stderr, imported.stderr
    house.write(NO_GATE + imported.stdout.replace(str(THEIRS), str(OURS)))
    assert house.relayctl("gate", "apply").stdout == "gate rdp added\n"
    house.scene.fact("relayctl knock import makes a gate of the article's settings, and proposes better ones")


def both(house, host):
    return house.connect(host, THEIRS), house.connect(host, OURS)


def knocked_in(house, host, *steps):
    """Connections through both, after the same knocks."""
    house.knock(host, *steps)
    def came():
        theirs, ours = both(house, host)
        if theirs and ours:
            return theirs, ours
        for each in (theirs, ours):
            if each:
                each.close()
        house.knock(host, *steps)
        return None
    return wait_for("both to open", came, LONG)


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        for port in (THEIRS, OURS):
            echo_on(network, port)
        iptables, settings = start_knockd(scene, network)
        house = Gatehouse(scene, network, NO_GATE)
        import_gate(house, settings)
        assert both(house, "visitor") == (None, None)
        scene.fact("both are closed")
        house.knock("visitor", "10003", "10002", "10001")
        assert both(house, "visitor") == (None, None)
        scene.fact("the wrong order opens neither")
        theirs, ours = knocked_in(house, "visitor", "10001", "10002", "10003")
        assert is_alive(theirs) and is_alive(ours)
        assert both(house, "other") == (None, None)
        scene.fact("the same knocks open both, for the knocker alone")

        def closed():
            rules = run(*network.inside("vps"), iptables, "-S", "INPUT").stdout
            return "ACCEPT" not in rules.replace("-P INPUT ACCEPT", "") and not house.who("rdp")
        wait_for("both to close", closed, LONG)
        assert both(house, "visitor") == (None, None)
        scene.fact("both close by themselves")
        assert not is_alive(theirs)
        assert is_alive(ours)
        scene.fact("knockd has cut the connection by that, and the gate has not")
        house.scan("scanner", "9995-10010")
        wait_for("the line of the log", lambda: house.log_has(
            f"gate rdp is open for {network.addresses['scanner']}"), LONG)
        scene.fact("an ascending scan opens what says allow-ascending")
        settings = house.config.read_text()
        house.write(settings.replace("    allow-ascending: true\n", ""))
        refused = house.relayctl("gate", "apply", check=False)
        assert refused.returncode == 1 and "write 10002/tcp, 10001/tcp, 10003/tcp, or allow-ascending" \
            in refused.stderr, refused.stderr
        scene.fact("which the article's sequence needs; a better order is proposed")


if __name__ == "__main__":
    main()
