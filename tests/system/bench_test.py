#!/usr/bin/env python3
"""bench/run measures what it says: every figure is there, whatever it is."""

import json
import os
import pathlib
import sys

from harness.processes import Scene, run

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench/run"
EXPECTED = {"down_1", "up_1", "down_16", "up_16", "cpu_down_1", "cpu_up_16", "connections", "idle_p50",
            "idle_p99", "beside_p99", "rss_idle_relay", "rss_streams_home", "rss_after_relay"}


def bench(*words):
    return run(sys.executable, BENCH, *words, "--rounds", "1", "--seconds", "0.2", seconds=120)


def comparison(scene):
    figures, plot = scene.path("figures.json"), scene.path("plot.svg")
    done = bench("--only", "relayd-wss,relayd-tls,direct", "--json", figures, "--svg", plot)
    medians = json.loads(figures.read_text())["medians"]
    for name in ("relayd-wss", "relayd-tls"):
        missing = [key for key in EXPECTED if medians[name].get(key) is None]
        assert not missing, f"{name}: no {missing}\n{done.stderr}"
    scene.fact("the comparison has a figure for each column, of wss and of tls")
    assert "<svg" in plot.read_text()
    assert "relayd wss" in done.stdout
    scene.fact("it prints a table and draws a plot")


def links(scene):
    figures = scene.path("links.json")
    bench("links", "--link", "40ms,ping-loopback", "--only", "relayd-wss,direct", "--json", figures)
    found = json.loads(figures.read_text())
    assert {row["rig"] for row in found["goodput"] if row["mb_s"] > 0} == {"relayd-wss", "direct"}
    assert {row["streams"] for row in found["ping"]} == {0, 1, 4, 16}
    scene.fact("links have a figure for each number of streams")


def main():
    with Scene() as scene:
        if "asan" in os.environ.get("RELAYD_BUILD", ""):
            print("skipped: sanitizers make no figures")
            sys.exit(77)
        comparison(scene)
        links(scene)


if __name__ == "__main__":
    main()
