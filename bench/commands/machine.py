"""The machine and the build that figures are of."""

import json
import os
import platform

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


def describe():
    options = build_options()
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")),
                     platform.machine())
    return (f"{os.cpu_count()} cores ({model}), Linux {platform.release()}; relayd built with "
            f"-O{options['optimization']}.")
