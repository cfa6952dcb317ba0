"""The columns of the comparison, in order."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Column:
    key: str
    title: str
    more_is_better: bool
    digits: int = 0

    def show(self, value):
        return "–" if value is None else f"{value:,.{self.digits}f}"

    def best(self, values):
        return max(values) if self.more_is_better else min(values)

    def ratio(self, own, other):
        """Above 1: `own` is better."""
        if not own or not other:
            return None
        return own / other if self.more_is_better else other / own


THROUGHPUT = tuple(Column(f"{direction}_{streams}", f"MB/s {direction} {streams}", True)
                   for streams in (1, 16) for direction in ("down", "up"))
CPU = tuple(Column(f"cpu_{column.key}", f"CPU s/GB {column.key.replace('_', ' ')}", False, 2)
            for column in THROUGHPUT)
CPU_BY_SIDE = tuple(Column(f"{column.key}_{side}", f"{column.title} {side}", False, 2)
                    for column in CPU for side in ("relay", "home"))
CONNECTIONS = Column("connections", "conn/s", True)
LATENCY = (Column("idle_p50", "idle p50 µs", False), Column("idle_p99", "idle p99 µs", False),
           Column("beside_p50", "beside bulk p50 µs", False),
           Column("beside_p99", "beside bulk p99 µs", False))
MEMORY = tuple(Column(f"rss_{when}_{side}", f"RSS MB {title} {side}", False, 1)
               for when, title in (("idle", "idle"), ("streams", "1,000 idle"), ("after", "after load"))
               for side in ("relay", "home"))
# What counts in comparisons.
ALL = (*THROUGHPUT, *CPU, CONNECTIONS, *LATENCY, *MEMORY)


def medians(samples):
    """{rig: {key: value}} of {rig: {key: [value, …]}}; failed measurements are None and left out."""
    result = {}
    for rig, by_key in samples.items():
        result[rig] = {}
        for key, values in by_key.items():
            seen = [value for value in values if value is not None]
            result[rig][key] = statistics.median(seen) if seen else None
    return result
