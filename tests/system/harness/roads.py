"""Homes and visitors that can reach their relay by one road only, which the firewall of their host
makes sure of."""

import contextlib
import dataclasses

from harness.netns import on_host
from harness.processes import run, wait_for
from harness.relayd import Daemon

PATH = "/relayd"  # Which a web server in front passes on.
ONLY_THERE = """
flush ruleset
table inet road {{
  chain departures {{
    type filter hook output priority 0; policy accept;
    oif lo accept
    ip daddr {address} tcp dport {port} accept
    reject
  }}
}}
"""

NO_OTHER_ROAD = {"proxy": "none", "carrier": "wss"}


@dataclasses.dataclass
class Way:
    """How somebody gets out: the only address and port that may be spoken to, the lines of the settings,
    and what stands in the middle, if anything does; that can be restarted. `environment` is what
    a proxy is named by to who is told nothing else, `found` the kind of carrier to be found then."""
    address: str
    port: int
    lines: dict
    middle: object = None
    environment: tuple = ()
    found: str = ""


class Roads:
    """A relay, and a host each for whatever stands in the middle, for homes and for visitors."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.relay_at, self.proxy_at = (network.addresses[name] for name in ("relay", "proxy"))
        self.proxy_within = network.inside("proxy")
        self.ports = {kind: scene.free_port() for kind in ("wss", "ws", "tls")}
        self.relay = Daemon(scene, "relay", network.inside("relay"), log_level="info")
        self.relay.start("relay", *(word for kind in self.ports for word in ("--listen", self.url(kind))),
                         *(word for name in ("proxy", "home")
                           for word in ("--trusted-proxy", network.addresses[name])))

    def url(self, kind):
        path = "" if kind == "tls" else PATH
        return f"{kind}://{self.relay_at}:{self.ports[kind]}{path}"

    def plain(self):
        """Where a web server finds the relay behind it."""
        return f"{self.relay_at}:{self.ports['ws']}"

    def direct(self, kind, scheme=None):
        url = self.url(kind)
        lines = {"relay": url.replace(kind, scheme, 1) if scheme else url, **NO_OTHER_ROAD}
        return Way(self.relay_at, self.ports[kind], lines)

    def through(self, proxy, relay, scheme="http", user="", **lines):
        """`proxy` is what the home has to use for `relay`."""
        at = f"{scheme}://{user}{self.proxy_at}:{proxy.port}"
        return Way(self.proxy_at, proxy.port, {"relay": relay, "proxy": at, "carrier": "wss", **lines}, proxy)

    def unknown(self, kind, found, proxy=None):
        """Nothing is said but the endpoint; the environment names a proxy, if there is one."""
        lines = {"relay": self.url(kind)}
        if not proxy:
            return Way(self.relay_at, self.ports[kind], lines, found=found)
        named = tuple(f"{scheme}_proxy=http://{self.proxy_at}:{proxy.port}" for scheme in ("http", "https"))
        return Way(self.proxy_at, proxy.port, lines, proxy, named, found)

    def behind(self, server, scheme, path=PATH, **lines):
        """`server` is what the home takes for the relay."""
        relay = f"{scheme}://{self.proxy_at}:{server.port}{path}"
        return Way(self.proxy_at, server.port, {"relay": relay, **NO_OTHER_ROAD, **lines}, server)

    def behind_end_of_tls(self, server):
        return self.behind(server, "wss", tls_ended_by_proxy="yes", tls_verify=server.certificate)

    def close_others(self, host, way):
        """That host can speak to nobody but the next hop of `way`."""
        rules = self.scene.path("road.nft")
        rules.write_text(ONLY_THERE.format(address=way.address, port=way.port))
        run(*self.network.inside(host, "nft", "-f", rules))

    def open_all(self, host):
        run(*self.network.inside(host, "nft", "flush", "ruleset"))

    def daemon(self, host, name, way):
        within = self.network.inside(host, *(("env", *way.environment) if way.environment else ()))
        return Daemon(self.scene, name, within, log_level="info")

    @contextlib.contextmanager
    def home(self, name, way, targets):
        """A home at the relay, by that way."""
        home = self.daemon("home", name, way)
        file = self.scene.path(name, "relayd.yaml")
        allow = ", ".join(f'"127.0.0.1:{port}"' for port in targets)
        lines = {"name": name, "allow": f"[ {allow} ]", **way.lines}
        file.write_text("home:\n" + "".join(f"  {key.replace('_', '-')}: {value}\n"
                                            for key, value in lines.items()))
        self.relay.relayctl("home", "add", name, home.public_key())
        home.start("--config", file)
        try:
            wait_for(f"{name} at the relay", lambda: self.session(name), 60)
            yield home
        finally:
            home.process.stop()
            self.relay.relayctl("home", "remove", name, check=False)

    @contextlib.contextmanager
    def visitor(self, name, way, reach):
        """A visitor at the relay, by that way, who may reach those forwards (HOME:PORT): its daemon,
        where it listens for each of them, and the command line that reaches one by --stdio."""
        visitor = self.daemon("visitor", name, way)
        self.relay.relayctl("visitor", "add", name, visitor.public_key(),
                            *(word for each in reach for word in ("--may-reach", each)))
        options = [word for key, value in way.lines.items() if key != "relay" for word in (f"--{key}", value)]
        ports = [self.scene.free_port() for _ in reach]
        visitor.start("visit", way.lines["relay"], *reach, *options,
                      *(word for port in ports for word in ("--listen", str(port))))
        try:
            wait_for(f"{name} at the relay", lambda: self.session(name), 60)
            yield visitor, ports, lambda each: [
                *(("env", *way.environment) if way.environment else ()), visitor.build / "daemon/relayd", "visit",
                way.lines["relay"], each, "--stdio", *options, "--state-dir", visitor.state]
        finally:
            visitor.process.stop()
            self.relay.relayctl("visitor", "remove", name, check=False)

    def sessions(self, name):
        """Those of that home or visitor that have a carrier."""
        return [each for each in self.relay.ask("sessions")["sessions"]
                if name in (each.get("home"), each.get("visitor")) and each["state"] == "attached"]

    def session(self, name):
        return next(iter(self.sessions(name)), None)

    def forward(self, name, target):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", name, "--to",
                            f"127.0.0.1:{target}", "--probe", "none")
        return port

    def cut(self, host, name, way):
        """Whatever carries that home or visitor, on its host, now dies."""
        wait_for(f"{name} at the relay", lambda: self.session(name), 60)
        if way.middle:
            return way.middle.restart()
        return run(*self.network.inside(host, "ss", "-K", "dst", way.address, "dport", "=", str(way.port)))

    def on(self, host):
        return on_host(self.network, host)
