#!/usr/bin/env python3
"""How a home gets to its relay: each kind of carrier, whom it trusts, proxies, and keys in ssh-agent."""

import os
import re
import shlex
import socket

from harness.clients import connect
from harness.parts import Tinyproxy
from harness.processes import Scene, run, wait_for
from harness.relayd import HOME_NAME, Daemon, build_folder
from harness.targets import Target, echo

PASSPHRASE = "three words here"
WRONG_FINGERPRINT = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
FETCHED = 300_000


def start_relay(scene, name, url):
    trusted = ["--trusted-proxy", "127.0.0.1"] if url.startswith("ws://") else []
    return Daemon(scene, name).start("relay", "--listen", url, *trusted)


def let_in(relay, home, name):
    relay.relayctl("home", "add", name, home.public_key())


def is_online(relay, name):
    return any(each["name"] == name and each["online"] for each in relay.ask("home", "list")["homes"])


def comes(relay, name):
    wait_for(f"{name} at the relay", lambda: is_online(relay, name))


def says(daemon, *words):
    wait_for(f"{words} in the log of {daemon.name}",
             lambda: all(word in daemon.log() for word in words))


def fetch(scene, relay, name, target):
    """Bytes there and back through a new forward."""
    port = scene.free_port()
    relay.relayctl("forward", "add", str(port), "--home", name, "--to", f"127.0.0.1:{target}")
    sent = os.urandom(FETCHED)
    with connect(port) as visitor:
        visitor.sendall(sent)
        visitor.shutdown(socket.SHUT_WR)
        parts = []
        while part := visitor.recv(FETCHED):
            parts.append(part)
    assert b"".join(parts) == sent


def each_kind_carries(scene, target):
    for kind in ("wss", "ws", "tls"):
        url = f"{kind}://127.0.0.1:{scene.free_port()}"
        relay, home = start_relay(scene, f"relay-{kind}", url), Daemon(scene, f"home-{kind}")
        let_in(relay, home, kind)
        home.start("home", url, "--name", kind, "--allow", f"127.0.0.1:{target}")
        comes(relay, kind)
        fetch(scene, relay, kind, target)
        [session] = relay.ask("sessions")["sessions"]
        assert {each["kind"] for each in session["carriers"]} == {kind}, session
        scene.fact(f"{kind} carries {FETCHED} bytes both ways")
        home.process.stop()
        relay.process.stop()


def a_pinned_key_is_held_to(scene, relay, url):
    fingerprint = relay.ask("status")["identity"]
    home = Daemon(scene, "home-pinned")
    let_in(relay, home, "pinned")
    home.start("home", url, "--name", "pinned", "--relay-key", WRONG_FINGERPRINT)
    says(home, "the relay shows the key", fingerprint, WRONG_FINGERPRINT)
    assert not is_online(relay, "pinned")
    scene.fact("--relay-key with another fingerprint: the home refuses, and names both")
    home.process.stop()
    home.start("home", url, "--name", "pinned", "--relay-key", fingerprint)
    comes(relay, "pinned")
    scene.fact("--relay-key with the relay's fingerprint: the home gets in")
    home.process.stop()


def an_unknown_home_is_named(scene, relay, url):
    home = Daemon(scene, "home-unknown")
    key = " ".join(home.public_key().split()[:2])
    home.start("home", url, "--name", "unknown")
    says(relay, f"relayctl home add unknown '{key}")
    assert not is_online(relay, "unknown")
    [command] = set(re.findall(r"relayctl (home add unknown '[^']*')", relay.log()))
    scene.fact("an unknown home is refused, and the relay's log holds the command that lets it in")
    relay.relayctl(*shlex.split(command))
    wait_for("the home", lambda: is_online(relay, "unknown"), 40)
    scene.fact("that command lets it in")
    home.process.stop()


def proxies(scene, relay, url, target):
    proxy = Tinyproxy(scene, "proxy")
    home = Daemon(scene, "home-proxied")
    let_in(relay, home, "proxied")
    command = ["home", url, "--name", "proxied", "--allow", f"127.0.0.1:{target}", "--proxy"]
    home.start(*command, f"http://127.0.0.1:{proxy.port}")
    comes(relay, "proxied")
    fetch(scene, relay, "proxied", target)
    assert "CONNECT 127.0.0.1:" in proxy.log.read_text(), "the proxy saw no CONNECT"
    scene.fact("a home gets in through the CONNECT of a proxy")
    home.process.stop()

    port = Tinyproxy(scene, "proxy-closed", "BasicAuth alice s3cret").port
    home.start(*command, f"http://127.0.0.1:{port}")
    says(home, f"proxy http://127.0.0.1:{port}", "407")
    scene.fact("a proxy that answers 407 is named in the home's log")
    home.process.stop()
    home.start(*command, f"http://alice:s3cret@127.0.0.1:{port}")
    comes(relay, "proxied")
    assert "s3cret" not in home.log(), "the password is in the log"
    scene.fact("with its password the home gets in, and the log does not hold that")
    home.process.stop()


def a_key_in_the_agent(scene, relay, url):
    key, agent = scene.path("keys", "id_ed25519"), scene.path("keys", "agent")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", key)
    relay.relayctl("home", "add", "agent", key.with_suffix(".pub").read_text().strip())
    home = Daemon(scene, "home-agent")
    command = ["home", url, "--name", "agent", "--key", str(key)]
    without = {word: value for word, value in os.environ.items() if word != "SSH_AUTH_SOCK"}
    refused = run(build_folder() / "daemon/relayd", *command, "--state-dir", home.state,
                  "--control", home.socket, env=without, check=False)
    assert refused.returncode not in (0, None) and "ssh-agent" in refused.stderr, refused
    scene.fact(f"a key with a passphrase and no agent: exit {refused.returncode}, names ssh-agent")

    scene.start("ssh-agent", "ssh-agent", "-D", "-a", agent)
    wait_for("ssh-agent", agent.exists)
    answer = scene.path("keys", "askpass")
    answer.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
    answer.chmod(0o700)
    run("ssh-add", "-q", key, env={**os.environ, "SSH_AUTH_SOCK": str(agent),
                                   "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force"})
    os.environ["SSH_AUTH_SOCK"] = str(agent)
    home.start(*command)
    comes(relay, "agent")
    del os.environ["SSH_AUTH_SOCK"]
    scene.fact("a home whose key only ssh-agent can use gets in")
    home.process.stop()


def a_changed_relay_is_refused(scene, relay, url):
    """Ends `relay`."""
    home = Daemon(scene, "home-faithful")
    let_in(relay, home, HOME_NAME)
    home.start("home", url, "--name", HOME_NAME)
    comes(relay, HOME_NAME)
    home.process.stop()
    relay.process.stop()
    other = start_relay(scene, "relay-anew", url)
    let_in(other, home, HOME_NAME)
    home.start("home", url, "--name", HOME_NAME)
    known = home.state / "known_relays"
    says(home, "HAS CHANGED", str(known), other.ask("status")["identity"])
    assert not is_online(other, HOME_NAME)
    scene.fact("a relay with another identity is refused; the log says what changed and names the file")
    home.process.stop()
    known.write_text("")
    home.start("home", url, "--name", HOME_NAME)
    comes(other, HOME_NAME)
    scene.fact("with its line removed there, the new relay is trusted")


def main():
    os.environ.pop("SSH_AUTH_SOCK", None)
    with Scene() as scene:
        target = Target(scene, echo)
        each_kind_carries(scene, target.port)
        url = f"wss://127.0.0.1:{scene.free_port()}"
        relay = start_relay(scene, "relay", url)
        a_pinned_key_is_held_to(scene, relay, url)
        an_unknown_home_is_named(scene, relay, url)
        proxies(scene, relay, url, target.port)
        a_key_in_the_agent(scene, relay, url)
        a_changed_relay_is_refused(scene, relay, url)


if __name__ == "__main__":
    main()
