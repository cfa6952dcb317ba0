#!/usr/bin/env python3
"""Homes and visitors that are told nothing of the road: only a direct one, only a proxy that lets
CONNECT through, only one that lets GET and POST through; and roads that open and close under streams
that are busy both ways, which go over without a break."""

from harness.clients import connect
from harness.endless import Crowd
from harness.netns import on_host
from harness.processes import Scene, run, wait_for
from harness.proxies import PlainSquid, Squid, Tinyproxy
from harness.relayd import Daemon
from harness.targets import Service, Target, echo
from harness.traffic import exactly
from testhost import Network

VISITORS = 4
LEFT = "the home has closed a carrier; its streams go on by another"
MOVED_BYTES = 3_000_000  # Between two changes of the road.
# What is not said is refused at once, or vanishes.
ONLY = """
flush ruleset
table inet road {{
  chain departures {{
    type filter hook output priority 0; policy accept;
    oif lo accept
    ip daddr {host} accept
    {otherwise}
  }}
  chain arrivals {{
    type filter hook input priority 0; policy accept;
    iif lo accept
    ip saddr {host} accept
    drop
  }}
}}
"""
# As fast as they may be for the test's own sake.
QUICK = {"ping-interval": "300ms", "ping-deadline": "1s", "reconnect-first": "100ms", "reconnect-most": "500ms",
         "road-patience": "500ms", "road-retry-first": "500ms", "road-retry-most": "1s"}


class Roads:
    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.crowd = Crowd(VISITORS)
        with on_host(network, "home"):
            self.echo = Service(scene, echo).port
            self.busy = Target(scene, self.crowd.serve)
        self.secure, self.plain = (f"{scheme}://{network.addresses['relay']}:{scene.free_port()}"
                                   for scheme in ("wss", "ws"))
        self.relay = Daemon(scene, "relay", network.inside("relay"))
        file = scene.path("relay", "relayd.yaml")
        # A WebSocket without TLS is for those alone; GET and POST bring their own.
        file.write_text(f'relay:\n  listen: [ "{self.secure}", "{self.plain}" ]\n'
                        f'  trusted-proxies: [ {network.addresses["home"]} ]\n'
                        "  ping-interval: 300ms\n  ping-deadline: 1s\n")
        self.relay.start("--config", file)
        self.proxies = {"connect": Squid(scene, "squid", within=network.inside("proxy")),
                        "squid": PlainSquid(scene, "plain-squid", within=network.inside("proxy")),
                        "tinyproxy": Tinyproxy(scene, "tinyproxy", within=network.inside("proxy"))}

    def open_only(self, host, otherwise="reject"):
        rules = self.scene.path("road.nft")
        rules.write_text(ONLY.format(host=self.network.addresses[host], otherwise=otherwise))
        run(*self.network.inside("home", "nft", "-f", rules))

    def open_all(self):
        run(*self.network.inside("home", "nft", "flush", "ruleset"))

    def url(self, proxy):
        return f"http://{self.network.addresses['proxy']}:{self.proxies[proxy].port}"

    def at_home(self, name, proxy=None):
        """A relayd that a proxy is named to by its environment."""
        named = ["env", *(f"{each}_proxy={self.url(proxy)}" for each in ("http", "https"))] if proxy else []
        return Daemon(self.scene, name, [*self.network.inside("home"), *named])

    def home(self, name, relay, proxy=None, **lines):
        home = self.at_home(name, proxy)
        file = self.scene.path(name, "relayd.yaml")
        lines = {"name": name, "relay": relay, "allow": f'[ "127.0.0.1:{self.echo}", "127.0.0.1:{self.busy.port}" ]',
                 **QUICK, **lines}
        file.write_text("home:\n" + "".join(f"  {key.replace('_', '-')}: {lines[key]}\n" for key in lines))
        self.relay.relayctl("home", "add", name, home.public_key(), check=False)
        return home.start("--config", file)

    def forward(self, name, target):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", name, "--to", f"127.0.0.1:{target}",
                            "--probe", "none")
        return port

    def echoes(self, name):
        port = self.forward(name, self.echo)
        with on_host(self.network, "relay"), connect(port, 60) as visitor:
            visitor.sendall(b"there and back")
            assert exactly(visitor, 14) == b"there and back"


def carriers(peer):
    """As its own side lists them: kind and road."""
    sessions = peer.ask("sessions")["sessions"]
    return [(each["kind"], each["road"]) for each in sessions[0]["carriers"]] if sessions else []


def comes_by(peer, *road, seconds=30):
    wait_for(f"{peer.name} by {road}", lambda: carriers(peer) == [road], seconds)


def one_road(roads, name, kind, *, relay=None, proxy=None, only=None, otherwise="reject"):
    """A home where there is but one road finds it."""
    if only:
        roads.open_only(only, otherwise)
    by = roads.url(proxy) if proxy else "direct"
    home = roads.home(name, relay or roads.secure, proxy)
    comes_by(home, kind, by)
    roads.echoes(name)
    said = f"{kind}, by {by}" if proxy else f"{kind}, direct"
    assert home.ask("status")["roads"] == [said], home.ask("status")
    assert said in home.relayctl("sessions").stdout, home.relayctl("sessions").stdout
    checkup = home.relayctl("doctor", str(roads.echo), check=False, seconds=60)
    assert checkup.returncode == 0 and said in checkup.stdout, checkup
    if kind == "poll":
        assert "a WebSocket does not get there, GET and POST do" in checkup.stdout, checkup
    home.process.stop()
    roads.open_all()
    roads.scene.fact(f"{name}: {said}")


def each_alone(roads):
    one_road(roads, "only-direct", "wss", only="relay")
    one_road(roads, "direct-beside-proxy", "wss", only="relay", otherwise="drop")
    one_road(roads, "only-connect", "wss", proxy="connect", only="proxy")
    assert "CONNECT" in roads.proxies["connect"].log()
    one_road(roads, "only-connect-silence", "wss", proxy="connect", only="proxy", otherwise="drop")
    for proxy in ("squid", "tinyproxy"):
        one_road(roads, f"only-get-and-post-{proxy}", "poll", relay=roads.plain, proxy=proxy, only="proxy")
    one_road(roads, "get-and-post-silence", "poll", relay=roads.plain, proxy="squid", only="proxy",
             otherwise="drop")


def a_pinned_carrier(roads):
    home = roads.home("pinned", roads.secure, carrier="poll")
    comes_by(home, "poll", "direct")
    home.process.stop()
    home = roads.home("pinned-to-wss", roads.plain, "squid", carrier="wss")
    wait_for("its refusal", lambda: "answered 403" in home.log())
    assert "poll" not in home.log() and carriers(home) == []
    home.process.stop()
    roads.scene.fact("carrier: poll and carrier: wss try nothing else")


def moves_on(roads, home):
    """The streams go on, in the same session, and none is broken."""
    before = roads.crowd.moved()
    wait_for("bytes of all streams", lambda: roads.crowd.moved() > before + MOVED_BYTES or roads.crowd.broken(), 60)
    assert not roads.crowd.broken(), roads.crowd.broken()
    return home.ask("sessions")["sessions"][0]["id"]


def goes_over_under_streams(roads):
    roads.open_only("proxy")
    home = roads.home("mover", roads.plain, "squid")
    comes_by(home, "poll", roads.url("squid"))
    with on_host(roads.network, "relay"):
        roads.crowd.come(roads.forward("mover", roads.busy.port), lambda: on_host(roads.network, "relay"))
    session = moves_on(roads, home)
    for turn in range(3):
        roads.open_all()
        comes_by(home, "ws", "direct")
        assert moves_on(roads, home) == session
        assert home.log().count("a better road is open") == turn + 1
        wait_for("the relay to hear of it", lambda turn=turn: roads.relay.log().count(LEFT) >= turn + 1, 60)
        roads.open_only("proxy", "drop" if turn else "reject")
        comes_by(home, "poll", roads.url("squid"))
        assert moves_on(roads, home) == session
    seen = roads.crowd.leave()
    served = sorted(roads.busy.result() for _ in range(VISITORS))
    assert seen == sorted((received, sent) for sent, received in served), (seen, served)
    log = home.log()
    assert f"{roads.plain} is reached by a WebSocket, directly now: a better road is open" in log, log
    assert "is reached by GET and POST, through the proxy now: " in log, log
    moved = sum(sent + received for sent, received in seen)
    roads.scene.fact(f"{VISITORS} busy streams went to a better road and back three times: {moved / 1e6:.0f} MB, "
                     "each byte at its place")
    return home


def remembers(roads, home):
    known = (home.state / "known_roads").read_text()
    assert f"{roads.plain} poll-proxy" in known, known
    home.process.stop()
    roads.open_all()
    home = roads.home("mover", roads.plain, "squid")
    wait_for("a dial", lambda: "dialling, by the road" in home.log())
    first = next(line for line in home.log().splitlines() if "dialling, by the road" in line)
    assert "by the road poll-proxy " in first, first
    comes_by(home, "ws", "direct")
    home.process.stop()
    assert f"{roads.plain} wss\n" in (home.state / "known_roads").read_text()
    roads.scene.fact("a restart begins with the road that worked, and goes over to a better one")


def visitors_and_invitations(roads):
    roads.open_only("proxy")
    token = roads.relay.ask("invite", "invited", "--url", roads.plain)["invitations"][0]["token"]
    invited = roads.at_home("invited", "squid")
    file = roads.scene.path("invited", "relayd.yaml")
    joined = run(*invited.within, invited.build / "daemon/relayd", "join", roads.plain, token, "--yes",
                 "--no-start", "--config", file, "--state-dir", invited.state, "--control", invited.socket)
    assert "knows this machine as invited" in joined.stdout, joined
    invited.start("--config", file)
    comes_by(invited, "poll", roads.url("squid"))
    invited.process.stop()
    visitor = roads.at_home("visitor", "squid")
    home = roads.home("visited", roads.plain, "squid")
    comes_by(home, "poll", roads.url("squid"))
    port = roads.forward("visited", roads.echo)
    roads.relay.relayctl("visitor", "add", "alice", visitor.public_key(), "--may-reach", f"visited:{port}")
    here = roads.scene.free_port()
    visitor.start("visit", roads.plain, f"visited:{port}", "--listen", str(here))
    comes_by(visitor, "poll", roads.url("squid"))
    with on_host(roads.network, "home"), connect(here, 60) as connection:
        connection.sendall(b"hello")
        assert exactly(connection, 5) == b"hello"
    for each in (visitor, home):
        each.process.stop()
    roads.open_all()
    roads.scene.fact("invitations and visitors find their road as well")


def the_wrong_relay_ends_the_search(roads):
    home = roads.home("wary", roads.secure, relay_key=f"SHA256:{'A' * 43}")
    wait_for("a refusal of the relay", lambda: "relay-key names" in home.log())
    home.process.stop()
    assert "the road poll" not in home.log(), home.log()
    stranger = Daemon(roads.scene, "unknown", roads.network.inside("home"))
    stranger.start("home", roads.secure, "--name", "unknown")
    wait_for("to be unknown", lambda: "let us in there with" in stranger.log())
    stranger.process.stop()
    assert "the road poll" not in stranger.log(), stranger.log()
    roads.scene.fact("another identity, and a relay that does not know us, end the search")


def main():
    with Scene() as scene, Network("relay", "proxy", "home") as network:
        roads = Roads(scene, network)
        each_alone(roads)
        a_pinned_carrier(roads)
        the_wrong_relay_ends_the_search(roads)
        remembers(roads, goes_over_under_streams(roads))
        visitors_and_invitations(roads)


if __name__ == "__main__":
    main()
