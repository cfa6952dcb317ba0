#!/usr/bin/env python3
"""relayd on a message bus of the test's own: what it answers and tells there, and a bus that goes."""

import json
import pathlib
import re
import signal
import subprocess

from harness.bus import NAME, PATH, PrivateBus, signals_in
from harness.clients import connect
from harness.loudness import ControlClient, Pinging, say_much
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon
from harness.targets import Service, echo
from hostile_home_test import is_sanitized

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "examples"
MANY_PORTS = "18000-18099"
MANY_MORE = ("16000-16499", "16500-16999", "17000-17499", "17500-17999")
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


def steady(value):
    """Without ages, bytes and times, which differ from answer to answer."""
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items()
                if not name.endswith(("_s", "_ms")) and name not in ("since", "bytes_in", "bytes_out")}
    return [steady(each) for each in value] if isinstance(value, list) else value


def it_is_described(bus):
    text = bus.busctl("introspect", NAME, PATH, NAME).stdout
    for name in ("Status", "ListSessions", "AddForward", "Probe", "Call", "Problems", "SessionUp",
                 "SessionDown", "ProbeFailed", "ProbeRecovered", "Takeover"):
        assert f".{name} " in text or f'"{name}"' in text, (name, text)


def it_answers_as_the_control_socket(bus, relay):
    for method, words in (("ListSessions", ["sessions"]), ("ListForwards", ["forward", "list"]),
                          ("ListHomes", ["home", "list"])):
        # Streams and probes come and go in between.
        wait_for(f"the same of {method}",
                 lambda: steady(bus.ask(method, {})) == steady(relay.ask(*words)))
    status = bus.ask("Status")
    assert status["role"] == "relay" and status["problems"] == [], status
    assert bus.property("Sessions") == 1 == status["sessions"]
    assert bus.property("Role") == "relay" and bus.property("Problems") == []
    assert bus.property("Version") == status["version"]


def it_refuses_what_is_wrong(bus):
    def error(method, *words):
        done = bus.busctl("call", NAME, PATH, NAME, method, *words, check=False)
        assert done.returncode != 0
        return done.stderr
    assert "no session" in error("CloseSession", "a{sv}", "1", "session", "s", "nobody")
    assert "must be text" in error("AddForward", "a{sv}", "1", "listen", "t", "3389")
    assert "no method bogus" in error("Call", "sa{sv}", "bogus", "0")
    nested = ["v"] * 40
    assert "deep" in error("AddForward", "a{sv}", "1", "listen", *nested, "s", "x")
    assert "too many values" in error("AddHome", "a{sv}", "1", "key", "as", "2000",
                                      *["x"] * 2000)
    assert "too much text" in error("AddForward", "a{sv}", "1", "listen", "s", "x" * 70000)
    assert bus.ask("Status")["role"] == "relay"


def long_lists_come_in_parts(bus, relay):
    client = ControlClient(relay.socket)
    for number, ports in enumerate(MANY_MORE):
        assert "ok" in client.ask(number, "forwards.add", listen=ports, to=ports, probe="none")
    refused = bus.call("ListForwards", {}, check=False)
    assert "ask for parts of it by limit and after" in refused.stderr, refused.stderr
    forwards, after = [], ""
    while True:
        part = bus.ask("ListForwards", {"limit": 400, "after": after})
        forwards += part["forwards"]
        after = part.get("next", "")
        if not after:
            break
    assert len(forwards) >= 2000, len(forwards)
    for number, ports in enumerate(MANY_MORE):
        assert "ok" in client.ask(10 + number, "forwards.remove", listen=ports)


def others_may_not(bus, relay):
    for method, values in (("Status", None), ("AddForward", {"listen": "1"})):
        refused = bus.call(method, values, check=False, before=AS_NOBODY)
        assert refused.returncode != 0 and "Access denied" in refused.stderr, refused
    wait_for("the lines", lambda: relay.log().count(
        "a call over D-Bus is refused: uid 65534 may not use relayd") == 2)


def last(monitor, name, subject=None):
    """The arguments of the newest signal of that name; of that session or forward, if one is named."""
    def found():
        return next((arguments for each, arguments in reversed(signals_in(monitor.text()))
                     if each == name and subject in (None, *arguments[1:2])), None)
    return wait_for(name, found, 40)


class Setting:
    """A relay, which finds no bus at first, and a home with a target."""

    def __init__(self, scene):
        self.scene, self.bus = scene, PrivateBus(scene)
        self.target = Service(scene, echo)
        self.carrier = scene.free_port()
        self.relay = Daemon(scene, "relay", within=self.bus.environment())
        self.file = scene.path("relay", "relayd.yaml")
        self.home = Daemon(scene, "home", within=self.bus.environment())
        self.twin = Daemon(scene, "twin")
        self.twin.state = self.home.state
        self.file.write_text("\n".join([
            "relay:", f'  listen: [ "wss://127.0.0.1:{self.carrier}" ]', "  probe-interval: 1s", ""]))
        self.relay.start("--config", self.file)

    def start_home(self, home):
        home.start("home", f"wss://127.0.0.1:{self.carrier}", "--name", HOME_NAME,
                   "--allow", "127.0.0.1:*")


def signals_tell_of_sessions(setting, monitor):
    setting.start_home(setting.home)
    home, session, address = last(monitor, "SessionUp")
    assert home == HOME_NAME and re.fullmatch("[0-9a-f]{32}", session), (home, session)
    assert address.startswith("127.0.0.1:"), address
    event = last(monitor, "Event")[0]
    assert event["kind"] and event["at"], event
    setting.scene.fact("SessionUp names home, session and address")
    wait_for("the changed property", lambda: any(
        "PropertiesChanged" in line and re.search(r'"Sessions":\{"type":"t","data":1\}', line)
        for line in monitor.text().splitlines()))
    setting.scene.fact("PropertiesChanged tells how many sessions there are")


TOOLS = {
    "notify-send": """#!/bin/sh
printf '%s|' "$@" >> "$TOLD"
echo >> "$TOLD"
""",
    "mail": """#!/bin/sh
{ printf '%s|' "$@"; cat; } >> "$TOLD"
""",
}


class Alert:
    """docs/examples/probe-alert, with tools that write down what they are to tell."""

    def __init__(self, scene, bus, name, *words):
        for tool, text in TOOLS.items():
            scene.path(name, tool).write_text(text)
            scene.path(name, tool).chmod(0o755)
        self._told = scene.path(name, "told")
        environment = {"PATH": f"{self._told.parent}:/usr/bin:/bin", "TOLD": str(self._told),
                       "DBUS_SYSTEM_BUS_ADDRESS": bus.address}
        before = bus.connections()
        scene.start(name, EXAMPLES / "probe-alert", *words, env=environment)
        wait_for("the example", lambda: bus.connections() > before)

    def told(self):
        return self._told.read_text() if self._told.exists() else ""


def signals_tell_of_probes(setting, monitor, forward):
    alert = Alert(setting.scene, setting.bus, "alert")
    mailed = Alert(setting.scene, setting.bus, "mailed", "admin@example.net")
    setting.relay.relayctl("forward", "add", str(forward), "--to", "127.0.0.1:1", "--probe", "tcp")
    home, where, verdict, detail = last(monitor, "ProbeFailed")
    assert (home, where, verdict) == (HOME_NAME, f"127.0.0.1:{forward}", "refused"), verdict
    assert "127.0.0.1:1 answers the probe: refused" in detail, detail
    setting.scene.fact("ProbeFailed names home, forward, verdict, and says it in a sentence")
    told = wait_for("a notification", alert.told)
    assert f"|{HOME_NAME}: 127.0.0.1:{forward} does not serve|127.0.0.1:1 answers the probe" in told, told
    told = wait_for("a mail", mailed.told)
    assert told.startswith(f"-s|{HOME_NAME}: 127.0.0.1:{forward} does not serve|admin@example.net|"
                           "127.0.0.1:1 answers the probe"), told
    setting.scene.fact("the example raises a notification, or sends a mail, that says so")
    setting.relay.relayctl("forward", "remove", str(forward))
    setting.relay.relayctl("forward", "add", str(forward), "--to", f"127.0.0.1:{setting.target.port}",
                           "--probe", "tcp")
    home, _, detail = last(monitor, "ProbeRecovered", f"127.0.0.1:{forward}")
    assert home == HOME_NAME and "ok" in detail, detail
    wait_for("a second notification", lambda: "serves again" in alert.told())
    setting.scene.fact("ProbeRecovered tells that it serves again, and the example too")
    setting.relay.relayctl("forward", "remove", str(forward))


def signals_tell_of_a_takeover(setting, monitor):
    setting.start_home(setting.twin)
    home, _, address = last(monitor, "Takeover")
    assert home == HOME_NAME and address.startswith("127.0.0.1:"), (home, address)
    setting.scene.fact("Takeover tells that the home's key came again")
    setting.twin.process.kill()
    home, _, why = last(monitor, "SessionDown")
    assert home == HOME_NAME and why, why
    setting.scene.fact("SessionDown tells that a home has gone, and why")


def make_events(control, rounds):
    """Some hundred in each round."""
    client = ControlClient(control)
    for number in range(rounds):
        added = client.ask(2 * number, "forwards.add", listen=MANY_PORTS, to=MANY_PORTS, probe="none")
        assert len(added["ok"]["forwards"]) == 100, added
        assert "ok" in client.ask(2 * number + 1, "forwards.remove", listen=MANY_PORTS)


def a_bus_that_hangs(setting, port, monitor):
    bus, relay = setting.bus, setting.relay
    with Pinging(connect(port)) as pinging:
        bus.process.signal(signal.SIGSTOP)
        before = relay.resident_bytes()
        make_events(relay.socket, 10)
        grown = relay.resident_bytes() - before
        say_much(relay.socket)
        seen = pinging.count
        wait_for("more echoes", lambda: pinging.fault or pinging.count > seen + 50)
        bus.process.signal(signal.SIGCONT)
    assert pinging.fault is None and pinging.longest < 2, (pinging.fault, pinging.longest)
    setting.scene.fact(f"streams go on while the bus hangs (longest echo {pinging.longest * 1000:.0f} ms)")
    assert grown < 16 << 20 or is_sanitized(relay.process), grown
    wait_for("an answer", lambda: bus.ask("Status")["role"] == "relay")
    make_events(relay.socket, 1)
    lost, = last(monitor, "EventsLost")
    assert lost > 100, lost
    setting.scene.fact(f"{lost} events that it did not take are left out and counted, and memory is bounded")


def many_calls_at_once(bus):
    words = [*bus.environment(), "busctl", f"--address={bus.address}", "call", NAME, PATH, NAME]
    calls = [subprocess.Popen([*words, "Status"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
             for _ in range(150)]
    faults = [call.communicate(timeout=60)[1] for call in calls]
    assert all(not fault or "too many calls" in fault for fault in faults), set(faults)
    assert bus.ask("Status")["role"] == "relay"


def the_next_relayd_has_the_name(setting):
    bus, home, relay = setting.bus, setting.home, setting.relay
    home.process.kill()
    wait_for("the relay's turn", lambda: bus.is_there() and bus.property("Role") == "relay", 40)
    setting.start_home(home)
    wait_for("its wish", lambda: "another program is org.relayd.Relay1" in home.log(), 60)
    monitor = bus.monitor()
    relay.process.kill()
    wait_for("the home's turn", lambda: bus.is_there() and bus.property("Role") == "home", 40)
    assert bus.property("Home") == HOME_NAME and bus.property("Relays"), bus.ask("Status")
    setting.scene.fact("when one relayd of a machine ends, the other one has its name")
    relay.start("--config", setting.file)
    name, _, address = last(monitor, "SessionUp")
    assert (name, address) == (HOME_NAME, f"wss://127.0.0.1:{setting.carrier}"), (name, address)
    setting.scene.fact("at home, SessionUp tells that the relay is reached again")


def main():
    with Scene() as scene:
        setting = Setting(scene)
        bus, relay = setting.bus, setting.relay
        relay.relayctl("home", "add", HOME_NAME, setting.home.public_key())
        scene.fact("without a bus relayd starts and serves")
        bus.start()
        wait_for("the name", bus.is_there, 40)
        scene.fact("a bus that comes later is joined")
        it_is_described(bus)
        monitor = bus.monitor()
        signals_tell_of_sessions(setting, monitor)

        port = scene.free_port()
        added = bus.ask("AddForward", {"listen": str(port), "home": HOME_NAME,
                                       "to": f"127.0.0.1:{setting.target.port}", "probe": "none"})
        assert added["forwards"][0]["listen"] == f"127.0.0.1:{port}", added
        with connect(port) as visitor:
            visitor.sendall(b"x")
            assert visitor.recv(1) == b"x"
        scene.fact("a forward that was added over the bus carries a visitor")
        assert "forwards.add by uid 0, process" in relay.log() and "over D-Bus" in relay.log()
        it_answers_as_the_control_socket(bus, relay)
        scene.fact("the bus answers what the control socket answers")
        probed = json.loads(bus.busctl("call", NAME, PATH, NAME, "Call", "sa{sv}", "probe", "0").stdout)
        assert probed["type"] == "a{sv}", probed
        it_refuses_what_is_wrong(bus)
        scene.fact("what is wrong is refused with a name and a sentence, and does no harm")
        long_lists_come_in_parts(bus, relay)
        scene.fact("long lists are refused, and come in parts")
        others_may_not(bus, relay)
        scene.fact("relayd itself refuses others, whatever the bus allows")
        signals_tell_of_probes(setting, monitor, scene.free_port())
        a_bus_that_hangs(setting, port, monitor)
        many_calls_at_once(bus)
        scene.fact("150 calls at once are answered, or refused in words")
        signals_tell_of_a_takeover(setting, monitor)

        bus.kill()
        assert relay.relayctl("status").returncode == 0
        bus.start()
        wait_for("the name", bus.is_there, 60)
        assert bus.ask("Status")["role"] in ("relay", "home")  # Whichever came first.
        scene.fact("a bus that was killed is joined again when it is back")
        the_next_relayd_has_the_name(setting)


if __name__ == "__main__":
    main()
