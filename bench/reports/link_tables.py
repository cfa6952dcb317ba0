"""Figures of long links as tables."""

import dataclasses
import statistics

from reports.tables import markdown

BARE = "direct"
NOTSENT_LOWAT_BYTES = 32 * 1024
QUEUEING_ALLOWED = 1.5  # Times what a full NOTSENT_LOWAT explains at the link's rate.
SHARE_WANTED = 0.9
# Nothing that runs over TCP outruns it: then the bare connection had not got up to speed.
SHARE_POSSIBLE = 1.05
JAIN_WANTED = 0.98


@dataclasses.dataclass
class GoodputRow:
    link: str
    direction: str
    rig: str
    title: str
    mb_s: float


@dataclasses.dataclass
class PingRow:
    link: str
    rate_mbit_s: float | None
    streams: int
    title: str
    rig: str = ""
    p50_us: float = 0
    p99_us: float = 0
    mb_s: float = 0
    each: list = dataclasses.field(default_factory=list)  # Bytes of each saturated stream.
    carrier_rtt_ms: float | None = None


def jain(values):
    """Of equal shares 1, of one stream that gets everything 1/n."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0


def _groups(rows, *keys):
    """Rows that agree in `keys`, in the order in which they first came."""
    groups = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, key) for key in keys), []).append(row)
    return groups


def _median(rows, key):
    return statistics.median(getattr(row, key) for row in rows)


def _share_verdict(share):
    if share > SHARE_POSSIBLE:
        return "void: bare TCP was not up to speed"
    return "met" if share >= SHARE_WANTED else "NOT met"


def goodput(rows):
    bare = {(link, direction): _median(found, "mb_s")
            for (link, direction, rig), found in _groups(rows, "link", "direction", "rig").items()
            if rig == BARE}
    lines = []
    for (link, direction, rig), found in _groups(rows, "link", "direction", "rig").items():
        value, whole = _median(found, "mb_s"), bare.get((link, direction))
        share = f"{value / whole:.0%}" if whole else "–"
        verdict = ""
        if whole and rig.startswith("relayd"):
            verdict = _share_verdict(value / whole)
        lines.append([f"{link}, {direction}", found[0].title, f"{value:.1f}", share, verdict])
    return markdown(["link", "", "MB/s", "of bare TCP", f"≥ {SHARE_WANTED:.0%}"], lines)


def _queueing(found):
    """What a byte waits beyond what its packets take, and what it may; milliseconds."""
    rtts = [row.carrier_rtt_ms for row in found if row.carrier_rtt_ms is not None]
    rate = found[0].rate_mbit_s
    if not rate or not rtts:
        return None
    allowed = QUEUEING_ALLOWED * NOTSENT_LOWAT_BYTES * 8 / (rate * 1000)
    return _median(found, "p50_us") / 1000 - statistics.median(rtts), allowed


def ping(rows):
    groups = _groups(rows, "link", "streams", "rig")
    lines = []
    for (link, streams, rig), found in groups.items():
        shares = [jain(row.each) for row in found if len(row.each) > 1]
        queueing = _queueing(found)
        verdicts = []
        if rig.startswith("relayd"):
            if queueing:
                verdicts.append("met" if queueing[0] <= queueing[1] else "NOT met")
            if shares:
                verdicts.append("met" if statistics.median(shares) >= JAIN_WANTED else "NOT met")
        lines.append([
            link, str(streams), found[0].title, f"{_median(found, 'p50_us') / 1000:.2f}",
            f"{_median(found, 'p99_us') / 1000:.2f}", f"{_median(found, 'mb_s'):.1f}",
            f"{statistics.median(shares):.4f}" if shares else "",
            f"{queueing[0]:+.1f} (≤ {queueing[1]:.1f})" if queueing else "", ", ".join(verdicts)])
    return markdown(["link", "beside streams", "", "p50 ms", "p99 ms", "MB/s", "Jain",
                     "beyond the carrier's RTT, ms", "is"], lines)
