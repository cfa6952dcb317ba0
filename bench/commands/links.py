"""relayd on long links, beside bare TCP and ssh: what one stream reaches, how long a byte takes beside
saturated streams of the same session, and how equal those are."""

import contextlib
import dataclasses
import json
import pathlib
import sys

import rigs
from commands.machine import describe
from commands.progress import tell
from harness.links import Link
from harness.processes import Scene, run as run_program
from measures import carrier_rtt, load, traffic
from reports import link_tables
from reports.link_tables import GoodputRow, PingRow

DEFAULT_RIGS = ["relayd-wss", "ssh", "direct"]
STREAMS = (0, 1, 4, 16)
PING_LENGTH = 2  # Round trips are few on a long link, so they get more time than bulk does.
MIB = 1024 * 1024
ALLOWED = pathlib.Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")


@dataclasses.dataclass(frozen=True)
class Setting:
    """`tcp_max_mib` bounds TCP's windows, bare or not; 0 leaves the kernel's limits."""

    title: str
    conditions: dict | None  # Of the link; None is loopback.
    warm_up: float           # Until windows have grown.
    tcp_max_mib: int = 0

    def rate(self):
        return (self.conditions or {}).get("rate")


GOODPUT = {
    "40ms": Setting("40 ms", {"delay": 20}, 3),
    "200ms": Setting("200 ms", {"delay": 100}, 8),
    "40ms-500": Setting("40 ms, 500 Mbit/s", {"delay": 20, "rate": 500, "queue": 40}, 3),
    "200ms-500": Setting("200 ms, 500 Mbit/s, windows of 64 MiB",
                         {"delay": 100, "rate": 500, "queue": 200}, 12, 64),
}
PING = {
    "ping-loopback": Setting("loopback", None, 0.5),
    "ping-50": Setting("40 ms, 50 Mbit/s", {"delay": 20, "rate": 50, "queue": 20}, 4),
    "ping-250": Setting("40 ms, 250 Mbit/s", {"delay": 20, "rate": 250, "queue": 20}, 4),
    "ping-500": Setting("40 ms, 500 Mbit/s", {"delay": 20, "rate": 500, "queue": 20}, 4),
    "ping-500-64m": Setting("40 ms, 500 Mbit/s, windows of 64 MiB",
                            {"delay": 20, "rate": 500, "queue": 20}, 4, 64),
}
ALL = (*GOODPUT, *PING)


@contextlib.contextmanager
def _rigs_at(setting, options):
    """The rigs, and their place."""
    with contextlib.ExitStack() as stack:
        if setting.conditions is None:
            scene = stack.enter_context(Scene())
            place, target = rigs.LOOPBACK, load.start_target(scene)
        else:
            link = stack.enter_context(Link(**setting.conditions))
            _set_up_tcp(link, setting, options.congestion_control)
            scene = stack.enter_context(Scene())
            place = rigs.Place(tuple(link.inside("relay")), tuple(link.inside("home")),
                               link.addresses["relay"], link.addresses["home"])
            target = load.start_target(scene, place.home, "0.0.0.0")
        yield {name: rigs.ALL[name](scene, target, place) for name in options.only}, place


@contextlib.contextmanager
def _allowed(congestion_control):
    """Namespaces may have only what the machine allows to every program."""
    before = ALLOWED.read_text()
    if congestion_control in before.split():
        yield
        return
    try:
        ALLOWED.write_text(f"{before.strip()} {congestion_control}")
    except OSError as error:
        sys.exit(f"no {congestion_control} here: {error}. Is there a module? modprobe tcp_{congestion_control}")
    try:
        yield
    finally:
        ALLOWED.write_text(before)


def _set_up_tcp(link, setting, congestion_control):
    """The same for all, and nothing remembered of earlier connections."""
    values = {"tcp_no_metrics_save": 1, "tcp_congestion_control": congestion_control}
    if setting.tcp_max_mib:
        largest = setting.tcp_max_mib * MIB
        values |= {"tcp_rmem": f"4096 131072 {largest}", "tcp_wmem": f"4096 16384 {largest}"}
    for host in link.namespaces:
        for name, value in values.items():
            run_program(*link.inside(host), "sysctl", "-q", "-w", f"net.ipv4.{name}={value}")


def _goodput(name, setting, options):
    with _rigs_at(setting, options) as (started, place):
        for number in range(1, options.rounds + 1):
            for direction in ("down", "up"):
                for rig_name, rig in started.items():
                    found = traffic.bulk(rig, options.seconds, 1, direction, place.relay,
                                         setting.warm_up)
                    tell(f"{name} round {number} {direction} {rig_name}: {found['mb_s']:.1f} MB/s")
                    yield GoodputRow(setting.title, direction, rig_name, rig.title, found["mb_s"])


def _ping(name, setting, options):
    with _rigs_at(setting, options) as (started, place):
        for number in range(1, options.rounds + 1):
            for streams in STREAMS:
                for rig_name, rig in started.items():
                    row = _ping_once(setting, options, streams, rig, place)
                    row.rig = rig_name
                    tell(f"{name} round {number} beside {streams} {rig_name}: "
                         f"p50 {row.p50_us / 1000:.2f} ms, {row.mb_s:.1f} MB/s")
                    yield row


def _ping_once(setting, options, streams, rig, place):
    row = PingRow(setting.title, setting.rate(), streams, rig.title)
    if streams == 0:
        found = traffic.ping(rig, options.seconds, place.relay)
    else:
        with carrier_rtt.sampled(rig, place.home, setting.warm_up) as median_rtt:
            found = traffic.ping_beside(rig, PING_LENGTH * options.seconds, streams, "down",
                                        place.relay, setting.warm_up)
        row.carrier_rtt_ms, row.mb_s, row.each = median_rtt(), found["mb_s"], found["each"]
    row.p50_us, row.p99_us = found["p50_us"], found["p99_us"]
    return row


def run(options):
    with _allowed(options.congestion_control):
        _run(options)


def _run(options):
    goodput, ping = [], []
    for name in options.link:
        if name in GOODPUT:
            goodput += _goodput(name, GOODPUT[name], options)
        else:
            ping += _ping(name, PING[name], options)
    if goodput:
        print(link_tables.goodput(goodput), end="\n\n")
    if ping:
        print(link_tables.ping(ping), end="\n\n")
    print(f"Medians of {options.rounds} rounds, {options.seconds:g} s each; TCP is "
          f"{options.congestion_control}. {describe()}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "congestion_control": options.congestion_control,
                       "goodput": [dataclasses.asdict(row) for row in goodput],
                       "ping": [dataclasses.asdict(row) for row in ping]}, file, indent=1)
