"""Resident memory of each side of a rig."""

import time

from measures.load import Client
from measures.processes import rss_bytes


def rss(rig):
    """In MB (10^6 bytes), by side."""
    return {side: rss_bytes(roots) / 1e6 for side, roots in rig.sides().items() if roots}


def with_idle_streams(rig, count):
    """The same while `count` visitors are connected and silent."""
    with Client(rig, "hold", "--connections", count) as client:
        client.line()
        return rss(rig)


def rss_when_settled(rig, seconds):
    """The same after so many seconds without traffic, which give back what is kept for a while."""
    time.sleep(seconds)
    return rss(rig)
