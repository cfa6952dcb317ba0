#!/usr/bin/env python3
"""Gates before forwards that come at run time, and knocks of visitors and homes that do: closed before they
listen, through restarts and kills of either program; without relayd-gate no such forward listens at all."""

import json
import os
import pathlib
import socket
import traceback

from harness.gates import LONG, Gatehouse, is_alive
from harness.netns import on_host
from harness.processes import Scene, run
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Target, echo
from testhost import Network, wait_for

HOSTS = ("vps", "home", "visitor", "other")
KNOCKS = 62201
NOBODY = 65534
RIGHT = ("10003", "10001", "10007")
SETTINGS = """
knock: {knocks}
control-group: nogroup
relay:
  listen: "tls://{vps}:{door}"
  default-gate: asked
  homes:
    {home}: {{ key: "{key}", may-listen: [ "0.0.0.0:{asked}", "127.0.0.1:{inside}" ] }}
gates:
  desktop: {{ sequence: [10003, 10001, 10007], within: 60s, open-for: 1h, visitors: [carol, joined] }}
  asked: {{ sequence: [11003, 11001, 11007], within: 60s, open-for: 1h }}
"""
HOME = """
home:
  name: {home}
  relay: "tls://{vps}:{door}"
  allow: [ "127.0.0.1:{target}" ]
  forwards:
    - {{ listen: "0.0.0.0:{asked}", to: "127.0.0.1:{target}" }}
    - {{ listen: "127.0.0.1:{inside}", to: "127.0.0.1:{target}" }}
"""


class Hall:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.vps = network.addresses["vps"]
        with on_host(network, "home"):
            self.target = Target(scene, echo)
        self.home = Daemon(scene, "home", network.inside("home"))
        self.relay = Daemon(scene, "relay", network.inside("vps"))
        self.door, self.forward, self.asked, self.inside = (scene.free_port() for _ in range(4))
        self.settings = SETTINGS.format(
            knocks=KNOCKS, vps=self.vps, door=self.door, home=HOME_NAME, key=self.home.public_key(), asked=self.asked,
            inside=self.inside)
        self.house = Gatehouse(scene, network, self.settings, control=scene.path("relay-gate", "control.sock"))
        self.start_relay()
        path = scene.path("home", "relayd.yaml")
        path.write_text(HOME.format(home=HOME_NAME, vps=self.vps, door=self.door, target=self.target.port,
                                    asked=self.asked, inside=self.inside))
        self.home.start("--config", path)
        self.wait_for_home()

    def start_relay(self):
        self.relay.start("--config", self.house.config)

    def wait_for_home(self):
        wait_for("the home", lambda: any(each["online"] for each in self.relay.ask("home", "list")["homes"]), LONG)

    def shown(self, port):
        """The forward that listens on a port, as relayctl shows it."""
        listed = self.relay.ask("forward", "list")["forwards"]
        return next((each for each in listed if each["listen"].endswith(f":{port}")), None)

    def wait_until_listening(self, port):
        wait_for(f"port {port}", lambda: (self.shown(port) or {}).get("listening"), LONG)

    def is_closed(self, port, host="visitor"):
        return not self.house.is_let_in(host, port)

    def let_in(self, port, host="visitor"):
        return wait_for("the forward", lambda: self.house.connect(host, port), LONG)

    def problems(self):
        return self.relay.ask("status").get("problems", [])

    def close_all(self):
        for gate in ("desktop", "asked"):
            for address in self.house.who(gate):
                self.house.relayctl("gate", "close", gate, address)


def a_forward_is_added(hall):
    hall.relay.relayctl("forward", "add", str(hall.target.port), "--home", HOME_NAME, "--listen",
                        f"0.0.0.0:{hall.forward}", "--gate", "desktop")
    shown = hall.shown(hall.forward)
    assert shown["gate"] == "desktop" and shown["listening"], shown
    assert hall.house.gate("desktop")["claimed"] == [f"{hall.forward}/tcp"], hall.house.gate("desktop")
    assert hall.house.sees("visitor", hall.forward) == "closed" and hall.is_closed(hall.forward)
    hall.house.knock("visitor", *RIGHT)
    with hall.let_in(hall.forward) as stream:
        assert is_alive(stream) and hall.is_closed(hall.forward, "other")
        hall.house.relayctl("gate", "close", "desktop", hall.network.addresses["visitor"])
        assert hall.is_closed(hall.forward) and is_alive(stream)
    hall.scene.fact("a forward that is added with --gate is closed, and opens for who knocks")
    for listen, gate, words in ((f"0.0.0.0:{hall.forward + 1}", "none", "there is no gate none"),
                                (f"127.0.0.1:{hall.forward + 1}", "desktop", "reached from this host alone"),
                                ("0.0.0.0:10003", "desktop", "is knocked at for the gate desktop")):
        refused = hall.relay.relayctl("forward", "add", "1", "--listen", listen, "--home", HOME_NAME, "--gate", gate,
                                      check=False)
        assert refused.returncode == 1 and words in refused.stderr, refused
    assert hall.shown(10003) is None
    hall.scene.fact("what no gate can stand before is refused")


def what_a_home_asks_for(hall):
    hall.wait_until_listening(hall.asked)
    assert hall.shown(hall.asked)["gate"] == "asked" and not hall.shown(hall.inside).get("gate")
    assert hall.is_closed(hall.asked)
    hall.house.knock("visitor", "11003", "11001", "11007")
    with hall.let_in(hall.asked) as stream:
        assert is_alive(stream)
    hall.wait_until_listening(hall.inside)
    hall.scene.fact("what a home asks for is behind the default gate, unless it is on loopback")


def restarts(hall):
    hall.close_all()
    hall.house.process.kill()
    assert hall.is_closed(hall.forward) and hall.is_closed(hall.asked)
    hall.house.start()
    assert hall.is_closed(hall.forward) and hall.is_closed(hall.asked)
    hall.scene.fact("they stay closed when relayd-gate is killed, and when it starts again")
    hall.relay.process.kill()
    hall.start_relay()
    hall.wait_for_home()
    hall.wait_until_listening(hall.forward)
    hall.wait_until_listening(hall.asked)
    assert hall.shown(hall.forward)["gate"] == "desktop" and hall.is_closed(hall.forward)
    assert hall.is_closed(hall.asked)
    hall.scene.fact("and when relayd is")
    # As a boot does.
    hall.relay.process.kill()
    hall.house.process.kill()
    run(*hall.network.inside("vps"), "nft", "flush", "ruleset")
    hall.house.start()
    assert f"dport {hall.forward} jump gate-desktop" in hall.house.nft("list", "ruleset")
    hall.start_relay()
    hall.wait_until_listening(hall.forward)
    assert hall.is_closed(hall.forward)
    hall.scene.fact("a boot closes them before relayd runs")


def peers_knock(hall):
    carol, joined = (Daemon(hall.scene, name, hall.network.inside("visitor")) for name in ("carol", "joined"))

    def knock(who):
        key = pathlib.Path(who.state) / "id_ed25519"
        hall.house.relayctl("knock", hall.vps, "--key", key, "--gate", "desktop", host="visitor")

    def has_come():
        return hall.network.addresses["visitor"] in hall.house.who("desktop")

    line = carol.public_key()
    knock(carol)  # Nobody knows her: opens nothing.
    hall.relay.relayctl("visitor", "add", "carol", line, "--may-reach", f"{HOME_NAME}:*")
    knock(carol)
    wait_for("carol's knock", has_come, LONG)
    hall.close_all()
    hall.relay.relayctl("visitor", "remove", "carol")
    invited = hall.relay.relayctl("invite", "joined", "--url", f"tls://{hall.vps}:{hall.door}").stdout.split()
    run(*hall.network.inside("visitor"), joined.build / "daemon/relayd", *invited[1:], "--yes", "--config",
        hall.scene.path("joined", "relayd.yaml"), "--state-dir", joined.state, "--control", joined.socket, seconds=LONG)
    wait_for("the home that joins", lambda: any(
        each["name"] == "joined" for each in hall.relay.ask("home", "list")["homes"]), LONG)
    knock(carol)  # Before the other's: opens nothing.
    knock(joined)
    wait_for("the knock of a home that has joined", has_come, LONG)
    hall.close_all()
    knock(carol)
    hall.relay.relayctl("home", "remove", "joined")
    knock(joined)
    hall.relay.relayctl("visitor", "add", "carol", line, "--may-reach", f"{HOME_NAME}:*")
    assert not has_come()
    knock(carol)
    wait_for("the last knock", has_come, LONG)
    told = hall.relay.log()
    assert told.count("carol knocks") == 2 and told.count("joined knocks") == 1, told
    hall.close_all()
    hall.scene.fact("visitors that are added and homes that join knock where gates name them, until they are removed")


def without_relayd_gate(hall):
    hall.house.process.stop()
    wait_for("relayd to notice", lambda: any("nobody keeps them" in each for each in hall.problems()), LONG)
    refused = hall.relay.relayctl("forward", "add", str(hall.target.port), "--home", HOME_NAME, "--listen",
                                  f"0.0.0.0:{hall.forward + 1}", "--gate", "desktop", check=False)
    assert refused.returncode == 1 and "its gate desktop is not closed" in refused.stderr, refused
    assert "cannot reach relayd-gate" in refused.stderr, refused
    assert hall.shown(hall.forward + 1) is None and hall.shown(hall.forward)["listening"]
    assert hall.is_closed(hall.forward)
    hall.relay.process.kill()
    hall.start_relay()
    wait_for("relayd to say why", lambda: "cannot reach relayd-gate" in hall.shown(hall.forward).get("error", ""), LONG)
    assert not hall.shown(hall.forward)["listening"]
    hall.scene.fact("without relayd-gate no forward with a gate begins to listen, and relayctl says why")
    wait_for("relayd to notice", lambda: any("nobody keeps them" in each for each in hall.problems()), LONG)
    assert "systemctl enable --now relayd-gate" in hall.relay.log()
    doctor = hall.relay.relayctl("doctor", check=False).stdout
    assert "nobody keeps them" in doctor, doctor
    hall.house.start()
    wait_for("all to be well", lambda: not hall.problems() and "the gates are kept again" in hall.relay.log(), LONG)
    hall.wait_until_listening(hall.forward)
    assert hall.is_closed(hall.forward) and hall.relay.log().count("nobody keeps them") == 1
    hall.scene.fact("gates that nobody keeps are told once, in the log, and by relayctl as long as it is so")


def exchange(path, said):
    """All that is answered until the last line of `said` is."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LONG)
        line.connect(str(path))
        line.sendall(said.encode())
        answers = b""
        while answers.count(b"\n") < said.count("\n"):
            answers += line.recv(65536) or b"\n"
    return answers.decode()


def as_nobody(work):
    """What `work` returns in a process of the user nobody."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writing, work().encode())
            os._exit(0)
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    assert os.waitpid(child, 0)[1] == 0
    return text


def claims_by_others(hall):
    with on_host(hall.network, "vps"):
        taken = socket.create_server(("0.0.0.0", 0))
    port = taken.getsockname()[1]

    def ask(*lines):
        said = "".join(json.dumps(line) + "\n" for line in ({"relay-control": 1}, *lines))
        return as_nobody(lambda: exchange(hall.house.control, said)).splitlines()[1:]

    folder = pathlib.Path(hall.house.control).parent
    for each in (folder, *folder.parents):
        if each != pathlib.Path("/") and each != pathlib.Path("/tmp"):
            each.chmod(each.stat().st_mode | 0o011)
    places = [{"gate": "desktop", "ports": str(port)}, {"gate": "desktop", "ports": "40999"}]
    answers = ask({"id": 1, "do": "gates.claim", "with": {"places": places}})
    refused = json.loads(answers[0])["ok"]["refused"]
    assert [each["index"] for each in refused] == [0] and "listens on port" in refused[0]["why"], answers
    taken.close()
    hall.scene.fact("nobody claims the port of another user's program")
    # That was another one's list: relayd says its own again.
    wait_for("relayd's own claims", lambda: hall.house.gate("desktop")["claimed"] == [f"{hall.forward}/tcp"], LONG)


def a_gate_goes(hall):
    hall.house.knock("visitor", *RIGHT)
    with hall.let_in(hall.forward) as stream:
        hall.house.write(hall.settings.replace("  desktop:", "  desk:"))
        hall.house.relayctl("gate", "apply")
        assert hall.is_closed(hall.forward) and is_alive(stream)
    wait_for("the forward to close", lambda: not hall.shown(hall.forward)["listening"], LONG)
    assert "no gate desktop" in hall.shown(hall.forward)["error"], hall.shown(hall.forward)
    hall.house.write(hall.settings)
    hall.house.relayctl("gate", "apply")
    hall.wait_until_listening(hall.forward)
    assert hall.is_closed(hall.forward)
    hall.relay.relayctl("forward", "remove", str(hall.forward))
    wait_for("the claim to go", lambda: hall.house.gate("desktop")["claimed"] == [], LONG)
    hall.scene.fact("a forward whose gate has gone is closed to everybody, and listens no longer")


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        hall = Hall(scene, network)
        a_forward_is_added(hall)
        what_a_home_asks_for(hall)
        restarts(hall)
        peers_knock(hall)
        without_relayd_gate(hall)
        claims_by_others(hall)
        a_gate_goes(hall)


if __name__ == "__main__":
    main()
