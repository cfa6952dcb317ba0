#!/usr/bin/env python3
"""relayctl ping and relayctl bench: what they say of a link whose delay and rate are known, of a home that is
away, beside visitors' streams, of a visitor's session, and of a peer that knows nothing of it."""

import json
import signal
import subprocess
import time

from harness.clients import connect
from harness.links import Link
from harness.netns import on_host
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Daemon, Tunnel, build_folder
from harness.targets import Service, echo

DELAY_MS = 20
RATE = 80  # Mbit/s
PINGS = 20


def command(tunnel, *words):
    return [str(word) for word in (*tunnel.relay.within, build_folder() / "ctl/relayctl", "--control",
                                   tunnel.relay.socket, *words)]


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def pings_tell_the_delay(scene, tunnel):
    lines = lines_of(tunnel.relay.relayctl(
        "--json", "ping", HOME_NAME, "--count", PINGS, "--every", "10ms").stdout)
    pings, summary = [line["ping"] for line in lines[:-1]], lines[-1]["summary"]
    assert len(pings) == PINGS and {ping["carrier"] for ping in pings} == {"wss"}, pings
    assert summary["sent"] == summary["answered"] == PINGS and summary["lost"] == 0, summary
    assert 2 * DELAY_MS <= summary["min_ms"] <= summary["avg_ms"] <= summary["max_ms"], summary
    assert summary["min_ms"] < 2 * DELAY_MS + 30, summary
    shown = tunnel.relay.relayctl("ping", "--count", 2, "--every", "10ms").stdout
    assert "2 sent, 2 answered, 0 % lost" in shown and "p99" in shown, shown
    scene.fact(f"{PINGS} pings over {2 * DELAY_MS} ms: min {summary['min_ms']} ms, avg {summary['avg_ms']} ms, "
               f"p99 {summary['p99_ms']} ms")


def an_interruption_prints_the_summary(scene, tunnel):
    process = subprocess.Popen(command(tunnel, "ping", HOME_NAME, "--every", "20ms"), text=True,
                               stdout=subprocess.PIPE)
    for _ in range(3):
        assert "ms" in process.stdout.readline()
    # ip netns exec becomes relayctl.
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(10) == 0 and "0 % lost" in rest and "avg" in rest, rest
    scene.fact("Ctrl-C prints the summary")


def a_new_carrier_is_waited_for(scene, tunnel):
    """It is attached a round trip before it is ready to carry."""
    for act in (["ping", HOME_NAME, "--count", 1, "--timeout", "20s"], ["bench", HOME_NAME, "--for", "200ms"]):
        former = tunnel.attached()["id"]
        tunnel.relay.relayctl("session", "close", HOME_NAME)
        wait_for("another session", lambda former=former: (
            now := tunnel.attached()) and now["id"] != former, 40)
        tunnel.relay.relayctl(*act, seconds=60)
    scene.fact("a ping or a bench that comes before the carrier is ready waits for it")


def answers(tunnel, name):
    """A carrier is attached a moment before it is ready to carry."""
    wait_for("a ping to be answered", lambda: tunnel.relay.relayctl(
        "ping", name, "--count", 1, check=False).returncode == 0)


def a_cut_link_loses_pings(scene, tunnel, link):
    link.cut()
    done = tunnel.relay.relayctl("ping", HOME_NAME, "--count", 2, "--every", "10ms", "--timeout", "200ms",
                                 check=False)
    assert done.returncode == 1 and "no answer within 200 ms" in done.stdout, done.stdout
    assert "2 sent, 0 answered, 100 % lost" in done.stdout
    wait_for("the carrier to be given up", lambda: not tunnel.attached(), 40)
    done = tunnel.relay.relayctl("ping", HOME_NAME, "--count", 1, check=False)
    assert done.returncode == 1 and "lost: no carrier" in done.stdout, done.stdout
    link.heal()
    tunnel.wait_for_session(40)
    answers(tunnel, HOME_NAME)
    scene.fact("on a cut link pings are lost, without a carrier at once, and answered when it has healed")
    unknown = tunnel.relay.relayctl("ping", "nobody", "--count", 1, check=False)
    assert unknown.returncode == 1 and "relayctl sessions" in unknown.stderr, unknown.stderr


def bench_tells_the_rate(scene, tunnel):
    answer = json.loads(tunnel.relay.relayctl("--json", "bench", HOME_NAME, "--for", "3s").stdout)["benches"]
    assert [each["direction"] for each in answer] == ["down", "up"], answer
    for each in answer:
        rate = each["bytes_per_s"] * 8 / 1e6
        assert each["state"] == "done" and each["bytes"] > 1_000_000, each
        assert rate < RATE * 1.05, each
        scene.fact(f"bench on a link of {RATE} Mbit/s: {each['direction']} {rate:.1f} Mbit/s")
    some = json.loads(tunnel.relay.relayctl("--json", "bench", HOME_NAME, "--bytes", "1MiB").stdout)["benches"]
    down, up = some
    assert down["bytes"] == 1 << 20 and down["elapsed_s"] < 4, down
    assert (1 << 20) <= up["bytes"] < (4 << 20) and up["elapsed_s"] < 4, up
    shown = tunnel.relay.relayctl("bench", HOME_NAME, "--for", "500ms", "--direction", "up").stdout
    assert shown.startswith(f"up   from {HOME_NAME}") and shown.rstrip().endswith("/s"), shown
    assert not tunnel.relay.ask("streams")["streams"]
    assert tunnel.attached()["streams"] == 0 or wait_for(
        "the measuring streams to be gone", lambda: tunnel.attached()["streams"] == 0)
    scene.fact("bench by bytes ends when they have arrived, and leaves no stream")


def a_visitor_beside_it(scene, tunnel, link, port):
    """Echoes of a visitor while a bench fills the link: each within what a queue of 100 ms makes."""
    with on_host(link, "relay"):
        visitor = connect(port)
    with visitor:
        bench = subprocess.Popen(command(tunnel, "--json", "bench", HOME_NAME, "--for", "4s"),
                                 stdout=subprocess.PIPE, text=True)
        wait_for("the bench to run", lambda: tunnel.attached()["bytes_out"] > 1_000_000)
        slowest, echoes = 0, 0
        while bench.poll() is None:
            began = time.monotonic()
            visitor.sendall(b"x" * 100)
            received = b""
            while len(received) < 100:
                received += visitor.recv(100)
            slowest, echoes = max(slowest, time.monotonic() - began), echoes + 1
        out = bench.communicate()[0]
        assert bench.returncode == 0 and echoes > 5, (out, echoes)
        scene.fact(f"{echoes} echoes of a visitor beside it, the slowest {1000 * slowest:.0f} ms")
        assert slowest < 2, slowest
        busy = subprocess.Popen(command(tunnel, "bench", HOME_NAME), stdout=subprocess.PIPE)
        wait_for("the bench to run", lambda: tunnel.attached()["streams"] > 1)
        second = tunnel.relay.relayctl("bench", HOME_NAME, check=False)
        assert second.returncode == 1 and "is being measured already" in second.stderr, second.stderr
        busy.kill()
        busy.wait()
        wait_for("the forsaken bench to end", lambda: tunnel.attached()["streams"] == 1, 30)
        scene.fact("a session is measured by one at a time, and a bench whose relayctl was killed ends")


def of_a_visitor(scene, tunnel, link):
    visitor = Daemon(scene, "visitor", link.inside("home"))
    tunnel.relay.relayctl("visitor", "add", "alice", visitor.public_key(), "--may-reach", f"{HOME_NAME}:*")
    visitor.start("visit", tunnel.address(), f"{HOME_NAME}:{scene.free_port()}")
    wait_for("the visitor", lambda: tunnel.relay.ask("visitor", "list")["visitors"][0]["online"])
    answers(tunnel, "alice")
    answer = json.loads(tunnel.relay.relayctl("--json", "bench", "alice", "--for", "1s").stdout)["benches"]
    assert [each["visitor"] for each in answer] == ["alice", "alice"] and answer[1]["bytes"] > 100_000, answer
    summary = lines_of(tunnel.relay.relayctl("--json", "ping", "alice", "--count", 3, "--every",
                                             "10ms").stdout)[-1]["summary"]
    assert summary["answered"] == 3 and summary["min_ms"] >= 2 * DELAY_MS, summary
    scene.fact("a visitor's session is measured as a home's is")


def elsewhere(scene, tunnel):
    done = tunnel.home.relayctl("bench", "relay", check=False)
    assert done.returncode == 1 and "ask relayctl there" in done.stderr, done.stderr
    tunnel.home.process.stop()
    wait_for("the relay to notice", lambda: not tunnel.attached())
    done = tunnel.relay.relayctl("bench", HOME_NAME, check=False)
    assert done.returncode == 1 and "not connected" in done.stderr, done.stderr
    scene.fact("a home's relayd says where to ask, and a home that is away is not measured")


def main():
    with Link(delay=DELAY_MS, rate=RATE) as link, Scene() as scene:
        with on_host(link, "home"):
            target = Service(scene, echo)
        tunnel = Tunnel(scene, target.port, network=link)
        port = tunnel.forward(target.port)
        answers(tunnel, HOME_NAME)
        pings_tell_the_delay(scene, tunnel)
        an_interruption_prints_the_summary(scene, tunnel)
        a_new_carrier_is_waited_for(scene, tunnel)
        a_cut_link_loses_pings(scene, tunnel, link)
        bench_tells_the_rate(scene, tunnel)
        a_visitor_beside_it(scene, tunnel, link, port)
        of_a_visitor(scene, tunnel, link)
        elsewhere(scene, tunnel)


if __name__ == "__main__":
    main()
