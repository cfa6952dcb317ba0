"""Where a process spends its processor time, as perf sees it."""

import contextlib
import re
import shutil
import signal
import subprocess

from harness.processes import run

SAMPLES_PER_SECOND = 1999
LINE = re.compile(r"^\s*([0-9.]+)%?\s*\t\s*(\S+)\s*\t\s*(.*?)\s*$")
KINDS = (("kernel", re.compile(r"\[(kernel|guest\.kernel|unknown)|\.ko$|^\[")),
         ("libcrypto", re.compile("libcrypto")), ("libssl", re.compile("libssl")),
         ("libc", re.compile(r"libc[.-]|ld-linux")), ("libuv", re.compile("libuv")),
         ("libstdc++", re.compile("libstdc")), ("ours", re.compile("^(relayd|bench-load)$")))


def why_impossible():
    return None if shutil.which("perf") else "perf is missing: apt-get install linux-perf"


@contextlib.contextmanager
def recording(pids, file):
    """Samples the processes while the block runs."""
    perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_SECOND),
                             "-o", file, "-p", ",".join(map(str, pids))],
                            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        perf.send_signal(signal.SIGINT)
        perf.wait(timeout=20)


def entries(file):
    """(percent, object, symbol), the largest first."""
    text = run("perf", "report", "-i", file, "--stdio", "--no-children", "--sort", "dso,symbol",
               "--field-separator", "\t", "--percent-limit", "0").stdout
    sums = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            # Libraries without symbols show an address for each instruction.
            symbol = re.sub(r" 0x[0-9a-f]{8,}$", " (no symbol)", match[3])
            key = match[2], symbol
            sums[key] = sums.get(key, 0) + float(match[1])
    return sorted(((percent, *key) for key, percent in sums.items()), reverse=True)


def by_kind(found):
    """Percents by kind of code, the largest first. Copies are libc's memcpy and its like."""
    sums = {}
    for percent, shared_object, symbol in found:
        kind = next((name for name, pattern in KINDS if pattern.search(shared_object)), "other")
        if kind == "libc" and re.search(r"mem(cpy|move|set)", symbol):
            kind = "libc copies"
        sums[kind] = sums.get(kind, 0) + percent
    return dict(sorted(sums.items(), key=lambda item: -item[1]))
