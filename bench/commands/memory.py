"""Memory of relayd's two roles: idle, with idle streams, and after much load."""

import json

import rigs
from commands.machine import describe
from commands.progress import tell
from harness.processes import Scene
from measures import load, memory, traffic
from reports.tables import markdown

DEFAULT_RIGS = ["relayd-wss", "relayd-tls"]
IDLE_STREAMS = 1000
PIECE_SECONDS = 5
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


def _shown(by_side):
    return " / ".join(f"{value:.1f}" for value in by_side.values())


def run(options):
    rows, figures = [], {}
    for name in options.only:
        with Scene() as scene:
            rig = rigs.ALL[name](scene, load.start_target(scene))
            found = {"idle": memory.rss(rig),
                     f"{IDLE_STREAMS:,} idle streams": memory.with_idle_streams(rig, IDLE_STREAMS),
                     "when they have gone": memory.rss(rig)}
            passed = _load(rig, name, options.load_gb)
            found[f"after {options.load_gb:g} GB"] = memory.rss(rig)
            found["and idle for 10 s"] = memory.rss_when_settled(rig, 10)
        tell(f"{name}: passed {passed:.1f} GB")
        figures[name] = found
        rows += [[rig.title, when, *(f"{value:.1f}" for value in by_side.values())]
                 for when, by_side in found.items()]
    print(markdown(["RSS, MB", "", "relay", "home"], rows), end="\n\n")
    print(describe())
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "memory": figures}, file, indent=1)
