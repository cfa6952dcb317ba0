"""Resident memory of each side of a rig."""

from measures.load import Client
from measures.processes import anonymous_bytes, rss_bytes


def rss(rig):
    """In MB (10^6 bytes), by side."""
    return {side: rss_bytes(roots) / 1e6 for side, roots in rig.sides().items() if roots}


def of_its_own(rig):
    """The part of that which is no file's."""
    return {side: anonymous_bytes(roots) / 1e6 for side, roots in rig.sides().items() if roots}


def with_idle_streams(rig, count, measure=rss):
    """What `measure` finds while `count` visitors are connected and silent."""
    with Client(rig, "hold", "--connections", count) as client:
        client.line()
        return measure(rig)
