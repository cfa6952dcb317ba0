#!/usr/bin/env python3
"""What relayctl probe says of real servers, and of ports that only look like one."""

import json
import socket

from harness import desktops, parts
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel
from harness.targets import Target


def verdict_of(tunnel, port):
    """(exit status, verdict, detail) of a probe made now."""
    done = tunnel.relay.relayctl("--json", "probe", str(port), check=False, seconds=30)
    [probe] = json.loads(done.stdout)["probes"]
    assert probe["ok"] == (probe["verdict"] == "ok"), probe
    return done.returncode, probe["verdict"], probe.get("detail", "")


def real_servers_are_known(scene, tunnel, servers):
    for kind, (target, detail) in servers.items():
        port = tunnel.forward(target, "--probe", kind)
        status, verdict, seen = verdict_of(tunnel, port)
        assert (status, verdict) == (0, "ok") and seen.startswith(detail), (kind, verdict, seen)
        scene.fact(f"{kind}: {seen or verdict}")


def the_wrong_server_is_told(scene, tunnel, target):
    # Not as rdp: to bytes that it does not know, an SSH server may answer by a reset alone.
    status, verdict, seen = verdict_of(tunnel, tunnel.forward(target, "--probe", "vnc"))
    assert (status, verdict) == (1, "wrong protocol"), (verdict, seen)
    scene.fact(f"an SSH server is no VNC server: {verdict}, {seen}")


def doctor_finds_nothing_broken(tunnel, port):
    checks = json.loads(tunnel.relay.relayctl("--json", "doctor", str(port), check=False).stdout)["checks"]
    return checks if all(check["state"] != "broken" for check in checks) else None


def doctor_tells_what_a_desktop_wants(scene, tunnel, wanted):
    """By two connections at once, as RDP clients make them. On a busy machine freerdp-shadow itself
    leaves up to every third of the second ones unanswered (asked directly, 20 of 72), so that it is
    asked until it answers; xrdp answers at once."""
    for target, (first, second) in wanted.items():
        port = tunnel.forward(target, "--probe", "rdp")
        checks = wait_for("a healthy way", lambda: doctor_finds_nothing_broken(tunnel, port), 60)
        texts = [check["text"] for check in checks if check["hop"] == "protocol"]
        assert len(texts) == 2 and first in texts[0] and second in texts[1], texts
        scene.fact(f"doctor: {texts[0]}; {texts[1]}")


def a_failure_has_its_verdict(scene, tunnel, expected, target):
    status, verdict, seen = verdict_of(tunnel, tunnel.forward(target, "--probe", "ssh"))
    assert (status, verdict) == (1, expected), (verdict, seen)
    scene.fact(f"{expected}: {seen}")


def an_absent_home_is_told(scene, tunnel, target):
    port = tunnel.forward(target, "--probe", "ssh", "--grace", "1s")
    tunnel.home.process.stop()
    wait_for("the relay to notice", lambda: not tunnel.attached())
    status, verdict, seen = verdict_of(tunnel, port)
    assert (status, verdict) == (1, "no home"), (verdict, seen)
    scene.fact(f"{verdict}: {seen or 'it is not there'}")


def main():
    with Scene() as scene:
        server, web, desktop = parts.sshd(scene), parts.nginx(scene), desktops.xrdp(scene)
        strict = desktops.freerdp_shadow(scene, nla=True)
        failing = {
            "refused": scene.free_port(),
            "closed": Target(scene, socket.socket.close).port,
            "silent": Target(scene, lambda connection: connection.recv(1)).port,
        }
        tunnel = Tunnel(scene, server.port, web.plain_port, web.tls_port, desktop.port, strict.port,
                        *failing.values())
        real_servers_are_known(scene, tunnel, {
            "ssh": (server.port, "SSH-2.0-OpenSSH"),
            "http": (web.plain_port, "HTTP "),
            "tls": (web.tls_port, "TLS 1."),
            "rdp": (desktop.port, "RDP, TLS"),
            "tcp": (server.port, ""),
        })
        doctor_tells_what_a_desktop_wants(scene, tunnel, {
            desktop.port: ("RDP, TLS (PROTOCOL_SSL)", "NLA is not required"),
            strict.port: ("RDP, NLA (PROTOCOL_HYBRID", "NLA is required"),
        })
        the_wrong_server_is_told(scene, tunnel, server.port)
        for expected, target in failing.items():
            a_failure_has_its_verdict(scene, tunnel, expected, target)
        an_absent_home_is_told(scene, tunnel, server.port)


if __name__ == "__main__":
    main()
