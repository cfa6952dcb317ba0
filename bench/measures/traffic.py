"""Throughput, connections and latency of one rig, each in one window. Every function returns figures
by name."""

from measures.load import Client, Window
from measures.processes import cpu_seconds, families

AT_ONCE = 16


def bulk(rig, seconds, connections, direction, within=(), warm_up=0.5):
    """Bytes a second; each connection's bytes; CPU seconds per 10^9 bytes, of each side too."""
    window = Window(seconds, warm_up)
    up = ["--up"] if direction == "up" else []
    with Client(rig, "bulk", "--connections", connections, *up, *window.options(),
                within=within) as client:
        window.sleep_until(window.begin_ns - 50_000_000)
        sides = {side: families(roots) for side, roots in rig.sides().items()}
        window.sleep_until(window.begin_ns)
        before = {side: cpu_seconds(pids) for side, pids in sides.items()}
        window.sleep_until(window.end_ns)
        used = {side: cpu_seconds(pids) - before[side] for side, pids in sides.items()}
        told = client.result(seconds)
    gigabytes = max(told["bytes"], 1) / 1e9
    return {"mb_s": told["bytes_per_second"] / 1e6, "each": told["each"],
            "bytes": told["bytes"],
            "cpu_s_gb": sum(used.values()) / gigabytes if rig.processes() else None,
            **{f"cpu_s_gb_{side}": value / gigabytes for side, value in used.items()
               if rig.processes()}}


def connections(rig, seconds, at_once=AT_ONCE):
    """Connections a second: connect, a byte there, a byte back, close."""
    window = Window(seconds)
    with Client(rig, "connects", "--at-once", at_once, *window.options()) as client:
        told = client.result(seconds)
    return {"per_second": told["per_second"], "failed": told["failed"]}


def ping(rig, seconds, within=()):
    """Round trips of one byte, in microseconds."""
    window = Window(seconds)
    with Client(rig, "ping", *window.options(), within=within) as client:
        return client.result(seconds)


def ping_beside(rig, seconds, streams, direction="down", within=(), warm_up=0.5):
    """The same beside connections that are saturated, and what those carry."""
    window = Window(seconds, warm_up)
    up = ["--up"] if direction == "up" else []
    with Client(rig, "bulk", "--connections", streams, *up, *window.options(),
                within=within) as load, \
            Client(rig, "ping", *window.options(), within=within) as client:
        told = client.result(seconds)
        carried = load.result(seconds)
    return {**told, "mb_s": carried["bytes_per_second"] / 1e6, "each": carried["each"]}
