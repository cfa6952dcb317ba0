"""Resident memory of each side of a rig."""

import time

from measures.load import Client
from measures.processes import anonymous_bytes, rss_bytes

# Programs give back what their start or a crowd of new connections needed, but not at once.
LEAST_SECONDS = 4
MOST_SECONDS = 12
APART_SECONDS = 1.5
SAME_WITHIN = 0.02


def rss(rig):
    """In MB (10^6 bytes), by side."""
    return {side: rss_bytes(roots) / 1e6 for side, roots in rig.sides().items() if roots}


def of_its_own(rig):
    """The part of that which is no file's."""
    return {side: anonymous_bytes(roots) / 1e6 for side, roots in rig.sides().items() if roots}


def _is_same(before, after):
    return all(abs(after[side] - before[side]) <= SAME_WITHIN * before[side] for side in before)


def settled(rig, measure=rss):
    """What `measure` finds once two readings of resident memory agree, or after MOST_SECONDS."""
    began = time.monotonic()
    time.sleep(LEAST_SECONDS - APART_SECONDS)
    before = rss(rig)
    while True:
        time.sleep(APART_SECONDS)
        after = rss(rig)
        if _is_same(before, after) or time.monotonic() - began >= MOST_SECONDS:
            return measure(rig)
        before = after


def with_idle_streams(rig, count, measure=rss):
    """What `measure` finds, settled, while `count` visitors are connected and silent."""
    with Client(rig, "hold", "--connections", count) as client:
        client.line()
        return settled(rig, measure)
