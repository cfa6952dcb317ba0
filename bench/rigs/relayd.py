"""A relay and a home with one session."""

from harness.processes import wait_for
from harness.relayd import HOME_NAME, Daemon
from rigs.rig import LOOPBACK, Rig


def over_wss(scene, target_port, place=LOOPBACK):
    return _tunnel(scene, target_port, place, "wss")


def over_tls(scene, target_port, place=LOOPBACK):
    return _tunnel(scene, target_port, place, "tls")


def of_other_build(build, kind):
    """The same with the programs of another build folder."""
    def start(scene, target_port, place=LOOPBACK):
        rig = _tunnel(scene, target_port, place, kind, build)
        rig.title = f"other {kind}"
        return rig
    return start


def _tunnel(scene, target_port, place, kind, build=None):
    carrier_port, port = scene.free_port(), scene.free_port()
    url = f"{kind}://{place.relay_address}:{carrier_port}"
    relay, home = (Daemon(scene, f"{role}-{kind}-{carrier_port}", within, "info", build)
                   for role, within in (("relay", place.relay), ("home", place.home)))
    relay.start("relay", "--listen", url)
    relay.relayctl("home", "add", HOME_NAME, home.public_key())
    home.start("home", url, "--name", HOME_NAME, "--allow", f"127.0.0.1:{target_port}")
    wait_for("the home's session", lambda: any(
        each["state"] == "attached" for each in relay.ask("sessions")["sessions"]))
    relay.relayctl("forward", "add", str(port), "--home", HOME_NAME,
                   "--to", f"127.0.0.1:{target_port}", "--probe", "none")
    scene.wait_for_port(port, relay.process, within=place.relay)
    return Rig(f"relayd {kind}", port, [relay.process], [home.process],
               carrier_port=carrier_port)
