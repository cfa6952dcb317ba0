"""What processes cost: of each, with all that it started and they started."""

import os
import pathlib

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGESIZE")


def _fields(pid):
    """Of /proc/PID/stat, from the third on: the second is a name, which may hold anything."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def families(roots):
    """The pids of the processes `roots` and of all their descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_fields(entry)[1]), []).append(int(entry))
            except OSError:
                pass  # It has ended.
    found = [process.pid for process in roots]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(pids):
    """User and system time since their start, of those that still run."""
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(int(field) for field in _fields(pid)[11:13])
        except OSError:
            pass
    return ticks / TICKS_PER_SECOND


def rss_bytes(roots):
    """Summed over the processes, so what they share counts for each."""
    total = 0
    for pid in families(roots):
        try:
            total += int(_fields(pid)[21]) * PAGE_BYTES
        except OSError:
            pass
    return total


def anonymous_bytes(roots):
    """What of that is their own: neither programs nor libraries, which others use too."""
    total = 0
    for pid in families(roots):
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(status.partition("RssAnon:")[2].split()[0]) * 1024
        except OSError:
            pass
    return total
