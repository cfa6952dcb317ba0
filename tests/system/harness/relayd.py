"""A relay and a home on loopback, as an operator runs them, and relayctl to ask them.

RELAYD_BUILD in the environment is the build folder whose programs are used; build/ if it is not set.
"""

import json
import os
import pathlib
import subprocess

from harness.processes import run, wait_for

HOME_NAME = "work-pc"


def build_folder():
    usual = pathlib.Path(__file__).resolve().parents[3] / "build"
    return pathlib.Path(os.environ.get("RELAYD_BUILD", usual)).resolve()


def place_text(target):
    """As relayd says a port of this host, or a unix socket."""
    is_path = isinstance(target, os.PathLike)
    return f"unix:{os.fspath(target)}" if is_path else f"127.0.0.1:{target}"


class Daemon:
    """One relayd with a state folder and a control socket of its own."""

    def __init__(self, scene, name, within=(), log_level="debug", build=None):
        self.scene = scene
        self.build = build or build_folder()
        self.name = name
        self.within = within  # What starts a command on its host: Network.inside().
        self.log_level = log_level
        self.state = scene.path(name, "state")
        self.socket = scene.path(name, "control.sock")
        self.process = None

    def start(self, *arguments):
        self.process = self.scene.start(
            self.name, *self.within, self.build / "daemon/relayd", *arguments,
            "--state-dir", self.state, "--control", self.socket,
            "--log-level", self.log_level)
        wait_for(f"{self.name} to answer", self._answers)
        return self

    def log(self):
        return self.process.text()

    def relayctl(self, *words, check=True, seconds=20):
        return run(self.build / "ctl/relayctl", "--control", self.socket, *words, check=check,
                   seconds=seconds)

    def ask(self, *words):
        """The answer as JSON."""
        return json.loads(self.relayctl("--json", *words).stdout)

    def public_key(self):
        """The line to register; makes the key if there is none yet."""
        shown = run(self.build / "daemon/relayd", "key", "show", "--state-dir", self.state)
        return shown.stdout.splitlines()[0]

    def processor_seconds(self):
        """What it has used, in user and in kernel mode."""
        words = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines()
                    if line.startswith("VmRSS:"))

    def _answers(self):
        if not self.process.running():
            raise RuntimeError(f"{self.name} ended with {self.process.wait(0)}")
        return self.relayctl("status", check=False).returncode == 0


class Tunnel:
    """A relay and a home that may dial `targets` (ports of 127.0.0.1, or paths of unix sockets), with
    their session up.

    Both run on loopback, or on the hosts "relay" and "home" of `network` (testhost.Network).
    `carrier` is what the home dials with: wss, or what else an endpoint may begin with.
    `settings`, if there are any, are what both their files say: {"keep-streams": "6s"}.
    """

    daemon = Daemon

    def __init__(self, scene, *targets, network=None, also_listen=(), settings=None,
                 home_settings=None, relay_settings=None, trusts=(), carrier="wss"):
        self.scene = scene
        self.network = network
        self.targets = targets
        self.settings = settings or {}
        # What the home's file says beside them, from its next start on.
        self.home_settings = home_settings or {}
        self.relay_settings = relay_settings or {}
        self.trusts = trusts  # The proxies that the relay trusts.
        self.carrier = carrier
        self.carrier_port = scene.free_port()
        self.relay = self.daemon(scene, "relay", self._within("relay"))
        self.home = self.daemon(scene, "home", self._within("home"))
        self.relay.start(*self.relay_arguments(also_listen))
        self.relay.relayctl("home", "add", HOME_NAME, self.home.public_key())
        self.start_home()

    def address(self):
        """Where the relay is for those who dial it."""
        host = self.network.addresses["relay"] if self.network else "127.0.0.1"
        return f"{self.carrier}://{host}:{self.carrier_port}"

    def listening(self):
        """What the relay listens on for that."""
        secure = {"http+poll": "ws", "https+poll": "wss"}
        return self.address().replace(self.carrier, secure.get(self.carrier, self.carrier), 1)

    def relay_arguments(self, also_listen=()):
        listen = [self.listening(), *also_listen]
        if self.settings or self.relay_settings:
            return ["--config", self._file("relay", {
                "listen": json.dumps(listen), "trusted-proxies": json.dumps([*self.trusts])})]
        return ["relay", *(word for address in listen for word in ("--listen", address)),
                *(word for address in self.trusts for word in ("--trusted-proxy", address))]

    def home_arguments(self):
        if self.settings or self.home_settings:
            return ["--config", self._file("home", {
                "name": HOME_NAME, "relay": self.address(),
                "allow": json.dumps([place_text(target) for target in self.targets])})]
        allowed = [word for target in self.targets for word in ("--allow", place_text(target))]
        return ["home", self.address(), "--name", HOME_NAME, *allowed]

    def start_home(self):
        self.home.start(*self.home_arguments())
        self.wait_for_session()

    def sessions(self):
        return self.relay.ask("sessions")["sessions"]

    def attached(self):
        """The home's session, or None while it has no carrier."""
        return next((each for each in self.sessions()
                     if each.get("home") == HOME_NAME and each["state"] == "attached"), None)

    def wait_for_session(self, seconds=20):
        return wait_for("the home's session", self.attached, seconds)

    def forward_from(self, path, target, *options):
        """The same path, where a new forward listens."""
        self.relay.relayctl("forward", "add", place_text(path), "--home", HOME_NAME,
                            "--to", place_text(target), *options)
        return path

    def forward(self, target, *options):
        """The port of a new forward to port `target` of the home."""
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", HOME_NAME,
                            "--to", f"127.0.0.1:{target}", *options)
        self.scene.wait_for_port(port, self.relay.process, within=self.relay.within)
        return port

    def cut_carriers(self):
        """Resets the connections between home and relay; returns how many there were."""
        found = subprocess.run([*self._within("home"), "ss", "-H", "-t", "-K", "state", "established",
                                f"dport = :{self.carrier_port}"], check=True,
                               stdout=subprocess.PIPE, text=True)
        return len(found.stdout.splitlines())

    def _file(self, role, lines):
        file = self.scene.path(role, "relayd.yaml")
        lines = {**lines, **self.settings,
                 **(self.home_settings if role == "home" else self.relay_settings)}
        file.write_text(f"{role}:\n" + "".join(f"  {key}: {lines[key]}\n" for key in lines))
        return file

    def _within(self, name):
        return self.network.inside(name) if self.network else ()
