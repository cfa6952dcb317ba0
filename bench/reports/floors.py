"""What relayd has to reach in a run, and what it should reach, against peers of the same run."""

from reports import columns
from reports.tables import markdown

SIDES = ("relay", "home")
COLUMNS = {column.key: column for column in columns.ALL}


def _best(medians, key, peers):
    """The best figure of `peers`, or None."""
    known = [medians[peer][key] for peer in peers if medians.get(peer, {}).get(key)]
    return COLUMNS[key].best(known) if known else None


def _reached(column, value, wanted):
    return value >= wanted if column.more_is_better else value <= wanted


def _against(medians, own, key, floor, target):
    """A row that compares a figure of `own` with the floor and the target: each is a ratio and the
    peers whose best it is a ratio to."""
    column, value = COLUMNS[key], medians[own].get(key)
    wanted = [ratio * best if (best := _best(medians, key, peers)) else None
              for ratio, peers in (floor, target)]
    if value is None or wanted[0] is None:
        return
    sign = "≥" if column.more_is_better else "≤"
    yield [column.title, column.show(value),
           *(f"{sign} {column.show(each)} ({ratio:g} × {'/'.join(peers)})" if each else ""
             for each, (ratio, peers) in zip(wanted, (floor, target))),
           *(_reached(column, value, each) if each else None for each in wanted)]


def _below(medians, own, key, limit):
    for side in SIDES:
        value = medians[own].get(f"{key}_{side}")
        if value is not None:
            yield [COLUMNS[f"{key}_{side}"].title, f"{value:.1f}", f"≤ {limit}", "",
                   value <= limit, None]


def _goal(medians, own, column, peers):
    """A row if a peer is ahead."""
    best, value = _best(medians, column.key, peers), medians[own].get(column.key)
    if best and value and column.ratio(value, best) < 1:
        yield [f"goal: ahead in {column.title}", column.show(value), column.show(best), "", False, None]


def judge(medians, own, peers):
    """Rows: what, figure, floor, target, whether the floor is met, whether the target is: None if
    there is none."""
    pair = ("haproxy", "ssh")
    for column in columns.THROUGHPUT:
        yield from _against(medians, own, column.key, (1, pair), (1.25, pair))
    for column in columns.CPU:
        yield from _against(medians, own, column.key, (1, pair), (0.8, pair))
    yield from _against(medians, own, "connections", (4, ["haproxy"]), (4, ["haproxy"]))
    yield from _against(medians, own, "beside_p99", (0.5, ["ssh"]), (1, ["stunnel"]))
    yield from _below(medians, own, "rss_idle", 12)
    yield from _below(medians, own, "rss_streams", 18)
    yield from _below(medians, own, "rss_after", 40)
    for column in columns.ALL:
        yield from _goal(medians, own, column, peers)


def table(medians, own, title, peers):
    def word(met):
        return {True: "met", False: "NOT met", None: ""}[met]
    rows = [[*texts, word(met), word(target_met)]
            for *texts, met, target_met in judge(medians, own, peers)]
    return markdown([title, "figure", "floor", "target", "floor is", "target is"], rows)
