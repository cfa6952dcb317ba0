"""Where relayd's two roles spend their processor time, under bulk load."""

import json
import sys

import rigs
from commands.machine import describe
from commands.progress import tell
from harness.processes import Scene
from measures import cpu_profile, load, traffic
from measures.processes import families
from reports.tables import markdown

DEFAULT_RIGS = ["relayd-wss"]
LOADS = [(direction, streams) for streams in (1, 16) for direction in ("down", "up")]
SYMBOLS_SHOWN = 14


def _profile(scene, rig, direction, streams, seconds):
    """By side: percents by kind, and the largest symbols."""
    found = {}
    for side, roots in rig.sides().items():
        file = scene.path("perf", f"{side}.data")
        with cpu_profile.recording(families(roots), file):
            traffic.bulk(rig, seconds, streams, direction)
        samples = cpu_profile.entries(file)
        found[side] = {"kinds": cpu_profile.by_kind(samples), "symbols": samples[:SYMBOLS_SHOWN]}
        tell(f"{rig.title} {direction} {streams}: {side} profiled")
    return found


def _kinds_table(figures):
    kinds = list(dict.fromkeys(kind for by_side in figures.values() for each in by_side.values()
                               for kind in each["kinds"]))
    return markdown(["% of the role's time", *kinds], [
        [f"{what}, {side}", *(f"{each['kinds'].get(kind, 0):.1f}" for kind in kinds)]
        for what, by_side in figures.items() for side, each in by_side.items()])


def run(options):
    reason = cpu_profile.why_impossible()
    if reason:
        sys.exit(reason)
    figures = {}
    for name in options.only:
        with Scene() as scene:
            rig = rigs.ALL[name](scene, load.start_target(scene))
            for direction, streams in LOADS:
                figures[f"{rig.title} {direction} {streams}"] = _profile(
                    scene, rig, direction, streams, options.seconds)
    print(_kinds_table(figures), end="\n\n")
    for what, by_side in figures.items():
        for side, each in by_side.items():
            print(f"{what}, {side}:")
            for percent, shared_object, symbol in each["symbols"]:
                print(f"  {percent:5.1f} %  {shared_object:24.24}  {symbol:.100}")
            print()
    print(describe())
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": describe(), "profile": figures}, file, indent=1)
