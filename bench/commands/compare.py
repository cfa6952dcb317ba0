"""relayd beside its peers, interleaved: in each round every measurement is taken of one rig after the
other, so that what else the machine does meets all of them."""

import json

import rigs
from commands.machine import describe
from commands.progress import tell
from harness.processes import Scene
from measures import load, memory, traffic
from reports import columns, floors, plot, tables

IDLE_STREAMS = 1000
SOCKETS_BESIDE = ("direct",)  # They have no process whose memory could be measured.


def _bulk(direction, streams):
    def measure(rig, seconds):
        found = traffic.bulk(rig, seconds, streams, direction)
        key = f"{direction}_{streams}"
        return {key: found["mb_s"], f"cpu_{key}": found["cpu_s_gb"],
                **{f"cpu_{key}_{side}": found[f"cpu_s_gb_{side}"] for side in rig.sides()
                   if f"cpu_s_gb_{side}" in found},
                "carried_gb": found["bytes"] / 1e9}
    return measure


def _connections(rig, seconds):
    found = traffic.connections(rig, seconds)
    return {"connections": found["per_second"], "connections_failed": found["failed"]}


def _idle(rig, seconds):
    found = traffic.ping(rig, seconds)
    return {"idle_p50": found["p50_us"], "idle_p99": found["p99_us"]}


def _beside(rig, seconds):
    found = traffic.ping_beside(rig, seconds, 1)
    return {"beside_p50": found["p50_us"], "beside_p99": found["p99_us"],
            "beside_mb_s": found["mb_s"]}


MEASUREMENTS = {
    "1 stream down": _bulk("down", 1), "1 stream up": _bulk("up", 1),
    "16 streams down": _bulk("down", 16), "16 streams up": _bulk("up", 16),
    "connections": _connections, "ping": _idle, "ping beside a stream": _beside,
}


class Comparison:
    def __init__(self, options):
        self._options = options
        self._samples = {name: {} for name in options.only}
        self._rigs = {}

    def run(self):
        with Scene() as scene:
            target_port = load.start_target(scene)
            for name in self._options.only:
                tell(f"starting {name}")
                self._rigs[name] = rigs.ALL[name](scene, target_port)
            self._memory("idle", memory.settled)
            self._memory("streams", lambda rig: memory.with_idle_streams(rig, IDLE_STREAMS))
            for number in range(1, self._options.rounds + 1):
                self._round(number)
            self._memory("after", memory.rss)
        return self._samples

    def titles(self):
        return {name: rig.title for name, rig in self._rigs.items()}

    def _round(self, number):
        for what, measure in MEASUREMENTS.items():
            shown = []
            for name, rig in self._rigs.items():
                found = self._try(name, what, lambda rig=rig: measure(rig, self._options.seconds))
                shown.append(f"{name} {_short(next(iter(found.values()), None))}")
                self._keep(name, found)
            tell(f"round {number}/{self._options.rounds} {what}: {', '.join(shown)}")

    def _memory(self, when, measure):
        shown = []
        for name, rig in self._rigs.items():
            if name in SOCKETS_BESIDE:
                continue
            found = self._try(name, f"memory {when}", lambda rig=rig: measure(rig))
            self._keep(name, {f"rss_{when}_{side}": value for side, value in found.items()})
            shown.append(f"{name} " + "/".join(f"{value:.0f}" for value in found.values()))
        tell(f"memory {when}, MB: {', '.join(shown)}")

    @staticmethod
    def _try(name, what, measure):
        """A rig that fails loses its figure, and not the run."""
        try:
            return measure()
        except RuntimeError as error:
            tell(f"FAILED: {name}, {what}: {error}")
            return {}

    def _keep(self, name, found):
        for key, value in found.items():
            self._samples[name].setdefault(key, []).append(value)


def _short(value):
    return "failed" if value is None else f"{value:,.0f}"


def run(options):
    comparison = Comparison(options)
    samples = comparison.run()
    medians, titles = columns.medians(samples), comparison.titles()
    for shown in (columns.THROUGHPUT + columns.CPU, columns.CPU_BY_SIDE,
                  (columns.CONNECTIONS,) + columns.LATENCY, columns.MEMORY):
        print(tables.figures(medians, titles, shown), end="\n\n")
    own = [name for name in rigs.OWN if name in medians]
    peers = [name for name in rigs.ENCRYPTED_PEERS if name in medians]
    if own and peers:
        print(tables.ratios(medians, titles, own, peers, "best encrypted peer"), end="\n\n")
    for name, other in zip(own, [name for name in rigs.OTHER if name in medians]):
        print(tables.ratios(medians, titles, [name], [other], "other build"), end="\n\n")
    for name in own:
        print(floors.table(medians, name, titles[name], peers), end="\n\n")
    note = f"Medians of {options.rounds} rounds, {options.seconds:g} s each. {describe()}"
    print(note)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "rounds": options.rounds, "seconds": options.seconds,
                       "titles": titles, "medians": medians, "samples": samples}, file, indent=1)
    if options.svg:
        with open(options.svg, "w", encoding="utf-8") as file:
            file.write(plot.svg(medians, titles, note))
