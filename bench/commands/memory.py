"""Memory of relayd's two roles: idle, with idle streams, and after much load."""

import json
import time

import rigs
from commands.machine import describe
from commands.progress import tell
from harness.processes import Scene
from measures import load, memory, traffic
from reports.tables import markdown

DEFAULT_RIGS = ["relayd-wss", "relayd-tls"]
IDLE_STREAMS = 1000
PIECE_SECONDS = 5
SETTLE_SECONDS = 10
KINDS_OF_LOAD = [(direction, streams) for streams in (16, 1) for direction in ("down", "up")]


def _load(rig, name, gigabytes):
    """Passes that much, in all directions and numbers of streams; returns what was passed."""
    passed, piece = 0, 0
    while passed < gigabytes:
        direction, streams = KINDS_OF_LOAD[piece % len(KINDS_OF_LOAD)]
        passed += traffic.bulk(rig, PIECE_SECONDS, streams, direction)["bytes"] / 1e9
        piece += 1
        tell(f"{name}: {passed:.1f} GB, {_shown(memory.rss(rig))} MB")
    return passed


def _both(rig):
    """By side: all that is resident, and what of it is no program's or library's."""
    own = memory.of_its_own(rig)
    return {side: [value, own[side]] for side, value in memory.rss(rig).items()}


def _shown(by_side):
    return " / ".join(f"{value:.1f}" for value in by_side.values())


def _measure(rig, name, gigabytes):
    found = {"idle": memory.settled(rig, _both),
             f"{IDLE_STREAMS:,} idle streams": memory.with_idle_streams(rig, IDLE_STREAMS, _both),
             "when they have gone": memory.settled(rig, _both)}
    passed = _load(rig, name, gigabytes)
    found[f"after {passed:.0f} GB"] = _both(rig)
    time.sleep(SETTLE_SECONDS)
    found[f"and idle for {SETTLE_SECONDS} s"] = _both(rig)
    return found


def run(options):
    rows, figures = [], {}
    for name in options.only:
        with Scene() as scene:
            rig = rigs.ALL[name](scene, load.start_target(scene))
            figures[name] = _measure(rig, name, options.load_gb)
        rows += [[rig.title, when, *(f"{value:.1f}" for both in by_side.values() for value in both)]
                 for when, by_side in figures[name].items()]
    print(markdown(["MB", "", "relay RSS", "its own", "home RSS", "its own"], rows), end="\n\n")
    print(describe())
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "memory": figures}, file, indent=1)
