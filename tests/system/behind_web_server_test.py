#!/usr/bin/env python3
"""A relay behind web servers and balancers: nginx that ends TLS and says X-Forwarded-For, haproxy that ends
TLS or passes it through and sends PROXY headers of both versions. Homes are known by their real addresses,
whoever lies is found out, and streams outlive the server in front."""

import os
import socket
import threading

from harness.clients import connect
from harness.fronts import HaproxyFront, NginxFront
from harness.netns import on_host
from harness.processes import Scene, wait_for
from harness.relayd import Daemon
from harness.targets import Service, echo
from harness.traffic import exactly
from testhost import Network

SIZE = 8 << 20
CHUNK = 64 << 10


class House:
    """A relay whose homes may only come from the host "home"; and fronts on the relay's host."""

    def __init__(self, scene, network):
        self.scene, self.network = scene, network
        self.host = network.addresses["relay"]
        self.within = network.inside("relay")
        self.ws, self.wss, self.control = scene.free_port(), scene.free_port(), None
        with on_host(network, "home"):
            self.target = Service(scene, echo).port
        self.homes = {}
        self.relay = Daemon(scene, "relay", self.within)

    def start(self, names):
        file = self.scene.path("relay", "relayd.yaml")
        keys = {name: Daemon(self.scene, name).public_key() for name in names}
        lines = [f"relay:\n  listen: [ 'ws://0.0.0.0:{self.ws}/relayd', 'wss://0.0.0.0:{self.wss}/relayd' ]",
                 "  trusted-proxies: [ 127.0.0.1 ]", "  homes:"]
        for name, key in keys.items():
            lines.append(f"    {name}: {{ key: '{key}', from: {self.network.addresses['home']} }}")
        file.write_text("\n".join(lines) + "\n")
        self.relay.start("--config", file)

    def home(self, name, url, host="home", front=None, **lines):
        """It dials `url`; its key is that of `name`, whatever host it is on."""
        home = Daemon(self.scene, name, self.network.inside(host))
        file = self.scene.path(name, f"{host}.yaml")
        # Another road would lead there, and is not what is meant here.
        lines = {"name": name, "relay": url, "carrier": "wss", "allow": f'"127.0.0.1:{self.target}"', **lines}
        if front:
            lines = {**lines, "tls_ended_by_proxy": "yes", "tls_verify": front.certificate}
        file.write_text("home:\n" + "".join(f"  {key.replace('_', '-')}: {value}\n"
                                            for key, value in lines.items()))
        home.start("--config", file)
        return home

    def session(self, name):
        return next((each for each in self.relay.ask("sessions")["sessions"]
                     if each["home"] == name and each["state"] == "attached"), None)

    def comes_as_itself(self, name):
        session = wait_for(f"{name} at the relay", lambda: self.session(name), 30)
        address = session["address"]
        assert address.startswith(self.network.addresses["home"] + ":"), session
        return address

    def forward(self, name):
        port = self.scene.free_port()
        self.relay.relayctl("forward", "add", str(port), "--home", name, "--to",
                            f"127.0.0.1:{self.target}", "--probe", "none")
        return port

    def visit(self, name):
        port = self.forward(name)
        with on_host(self.network, "relay"):
            return connect(port, 120)


def survives(house, front, name):
    """A stream through a front that is killed and started in its middle; equal byte for byte."""
    visitor = house.visit(name)
    sent = os.urandom(SIZE)
    half = threading.Event()

    def send():
        for begin in range(0, SIZE, CHUNK):
            if begin == SIZE // 2:
                half.set()
            visitor.sendall(sent[begin:begin + CHUNK])

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    received = exactly(visitor, SIZE // 4)
    half.wait(60)
    front.restart()
    received += exactly(visitor, SIZE - SIZE // 4)
    sender.join()
    assert received == sent
    visitor.close()


def behind(house, name, server, url, note, **lines):
    home = house.home(name, url, **lines)
    address = house.comes_as_itself(name)
    assert house.session(name)
    survives(house, server, name)
    house.scene.fact(f"{note}: from {address.rsplit(':', 1)[0]}, and its stream outlives the front; "
                     f"{SIZE >> 20} MiB each way are equal")
    home.process.stop()


def without_the_setting(house, front):
    home = house.home("careless", f"wss://{house.host}:{front.port}/relayd")
    wait_for("the home to say what to do", lambda: "tls-ended-by-proxy: yes" in home.log())
    assert house.session("careless") is None
    home.process.stop()
    house.scene.fact("a home that was not told of it does not connect where TLS is ended, and says what to do")


def liars(house, front):
    """They have a home's key, and want to look as if they were where it may be used."""
    wanted = house.network.addresses["home"]
    own = house.network.addresses["liar"]
    lie = f'[ "X-Forwarded-For: {wanted}" ]'
    ways = {
        "liar-poll": (f"https+poll://{house.host}:{house.wss}/relayd", None),
        "liar-wss": (f"wss://{house.host}:{house.wss}/relayd", None),
        "liar-nginx": (f"wss://{house.host}:{front.port}/relayd", front),
        "liar-nginx-poll": (f"https+poll://{house.host}:{front.port}/relayd", None),
    }
    for name, (url, through) in ways.items():
        home = house.home(name, url, "liar", through, headers=lie)
        wait_for(f"{name} to be refused", lambda name=name, home=home: "not from your address" in home.log())
        assert f"not from your address, {own}:" in home.log(), home.log()
        home.process.stop()
        house.scene.fact(f"{name}: an X-Forwarded-For of its own does not help, it is refused as {own}")
    home = house.home("liar-ws", f"ws://{house.host}:{house.ws}/relayd", "liar", headers=lie)
    wait_for("the relay to refuse ws", lambda: "trusted-proxies" in home.log())
    home.process.stop()
    house.scene.fact("without TLS, and from nobody who is trusted, a handshake is refused")


def hello(house, host, port, said):
    """What comes back to these bytes from `host`, up to the end."""
    with on_host(house.network, host):
        connection = socket.create_connection((house.host if host != "relay" else "127.0.0.1", port), 20)
    with connection:
        connection.settimeout(20)
        connection.sendall(said)
        answer = b""
        try:
            while part := connection.recv(4096):
                answer += part
        except ConnectionResetError:
            pass
        return answer


def request(forwarded_for):
    return f"GET /relayd HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {forwarded_for}\r\n\r\n"


def headers_that_are_wrong(house):
    lie = f"PROXY TCP4 {house.network.addresses['home']} 1.2.3.4 5 6\r\n".encode()
    assert hello(house, "liar", house.wss, lie + b"\x16\x03\x01") == b""
    wait_for("its line", lambda: "was not TLS" in house.relay.log())
    house.scene.fact("a PROXY header from anybody else is garbage")
    # Five lines a minute is all that is said of strangers.
    malformed = (("PROXY TCP4 here there 5 6\r\n", "PROXY header of its proxy is malformed"),
                 (request("unknown"), "X-Forwarded-For is malformed"),
                 (request("x" * 3000), None),
                 ("PROXY UNKNOWN " + "x" * 200, None),
                 ("\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", None))
    for said, words in malformed:
        assert hello(house, "relay", house.ws, said.encode("latin-1")) == b""
        if words:
            wait_for("its line", lambda words=words: words in house.relay.log())
    house.scene.fact("malformed and oversized PROXY headers and X-Forwarded-For of a trusted proxy are refused, with a line")


def main():
    with Scene() as scene, Network("relay", "home", "liar") as network:
        house = House(scene, network)
        names = ["by-nginx", "by-nginx-poll", "by-v1", "by-v2", "careless", "liar-poll", "liar-wss",
                 "liar-nginx", "liar-nginx-poll", "liar-ws"]
        house.start(names)
        headers_that_are_wrong(house)
        at = [house.host]
        plain, tls = f"127.0.0.1:{house.ws}", f"127.0.0.1:{house.wss}"
        nginx = NginxFront(scene, "nginx", plain, at, house.within).start()
        v1 = HaproxyFront(scene, "haproxy-v1", plain, at, house.within, send="send-proxy",
                          ends_tls=True).start()
        v2 = HaproxyFront(scene, "haproxy-v2", tls, at, house.within, send="send-proxy-v2",
                          ends_tls=False).start()
        behind(house, "by-nginx", nginx, f"wss://{house.host}:{nginx.port}/relayd",
               "wss by nginx, X-Forwarded-For", front=nginx)
        behind(house, "by-nginx-poll", nginx, f"https+poll://{house.host}:{nginx.port}/relayd",
               "https+poll by nginx, X-Forwarded-For")
        behind(house, "by-v1", v1, f"wss://{house.host}:{v1.port}/relayd",
               "wss by haproxy that ends TLS, PROXY v1", front=v1)
        behind(house, "by-v2", v2, f"wss://{house.host}:{v2.port}/relayd",
               "wss by haproxy that passes TLS through, PROXY v2, bound to the home's TLS")
        without_the_setting(house, nginx)
        liars(house, nginx)


if __name__ == "__main__":
    main()
