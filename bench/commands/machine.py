"""The machine and the build that figures are of."""

import hashlib
import json
import os
import pathlib
import platform
import time

from harness.relayd import build_folder


def build_options():
    path = build_folder() / "meson-info/intro-buildoptions.json"
    return {each["name"]: each["value"] for each in json.loads(path.read_text())}


def why_unfit():
    """Why nothing can be measured with the build; None if it can."""
    for program in ("daemon/relayd", "ctl/relayctl", "bench/bench-load"):
        if not (build_folder() / program).exists():
            return f"{build_folder() / program} is missing: meson setup build && ninja -C build"
    options = build_options()
    if options["b_sanitize"] != "none" or options["optimization"] in ("0", "g", "plain"):
        return (f"{build_folder()} is no build to measure: optimization={options['optimization']}, "
                f"b_sanitize={options['b_sanitize']}")
    return None


def _program():
    """Which relayd it is: its sources may have changed since it was built."""
    path = build_folder() / "daemon/relayd"
    built = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
    return f"relayd {hashlib.sha256(path.read_bytes()).hexdigest()[:8]} of {built}"


def describe():
    options = build_options()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")),
                     platform.machine())
    return (f"{os.cpu_count()} cores ({model}), Linux {platform.release()} ({_congestion_control()}); {_program()}, "
            f"built with -O{options['optimization']}.")


def _congestion_control():
    return pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def _cpu_ticks():
    """Of all cores: all time, and that in which they had nothing to do."""
    with open("/proc/stat", encoding="utf-8") as lines:
        fields = [int(field) for field in lines.readline().split()[1:9]]
    return sum(fields), fields[3] + fields[4]


def busy_share(seconds=0.5):
    """How much of the machine others use, or take from it, while nothing is measured."""
    before, idle_before = _cpu_ticks()
    time.sleep(seconds)
    after, idle_after = _cpu_ticks()
    return 1 - (idle_after - idle_before) / max(1, after - before)
