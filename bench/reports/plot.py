"""The comparison as a plot in SVG: a panel of bars for each of some columns. It brings its own
background, light or dark as the reader prefers, so that it is readable on any page."""

from reports import columns

SHOWN = {"down_1": "1 stream down, MB/s", "down_16": "16 streams down, MB/s",
         "cpu_down_1": "CPU seconds per GB", "connections": "connections per second",
         "beside_p99": "p99 of a byte beside a bulk stream, µs",
         "rss_streams_relay": "relay's memory with 1,000 idle streams, MB"}
# They would dwarf the others.
LEFT_OUT = {"direct": SHOWN.keys(), "socat": ["rss_streams_relay"]}
PANEL_WIDTH, BAR_HEIGHT, GAP, LABEL_WIDTH, VALUE_WIDTH, HEAD = 440, 16, 5, 150, 60, 34

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.page { fill: #ffffff; } .head { font-weight: 600; } .note { fill: #6e7781; }
.own { fill: #1f883d; } .peer { fill: #8c959f; } .plain { fill: #d0d7de; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .page { fill: #0d1117; } .note { fill: #8b949e; }
  .own { fill: #3fb950; } .peer { fill: #6e7681; } .plain { fill: #30363d; }
}
"""


def _kind(rig):
    if rig.startswith("relayd"):
        return "own"
    return "plain" if rig == "socat" else "peer"


def _text(x, y, text, kind="", anchor="start"):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{escaped}</text>'


def _panel(left, top, title, column, bars, titles):
    better = "more is better" if column.more_is_better else "less is better"
    yield _text(left, top + 14, title, "head")
    yield _text(left + PANEL_WIDTH - 20, top + 14, better, "note", "end")
    room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH - 20
    longest = max(bars.values())
    for number, (rig, value) in enumerate(bars.items()):
        y = top + HEAD - 8 + number * (BAR_HEIGHT + GAP)
        width = max(1, room * value / longest)
        yield _text(left + LABEL_WIDTH - 8, y + 12, titles[rig], "", "end")
        yield (f'<rect x="{left + LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" '
               f'rx="2" class="{_kind(rig)}"/>')
        yield _text(left + LABEL_WIDTH + width + 6, y + 12, column.show(value))


def svg(medians, titles, note):
    by_key = {column.key: column for column in columns.ALL}
    panels = []
    for key, title in SHOWN.items():
        bars = {rig: values[key] for rig, values in medians.items()
                if key not in LEFT_OUT.get(rig, ()) and values.get(key)}
        if bars:
            panels.append((title, by_key[key], bars))
    panel_height = HEAD + 10 + max(len(bars) for _, _, bars in panels) * (BAR_HEIGHT + GAP)
    rows = (len(panels) + 1) // 2
    width, height = 2 * PANEL_WIDTH + 20, rows * panel_height + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             f'viewBox="0 0 {width} {height}" role="img">',
             "<title>relayd beside ssh, haproxy, stunnel and socat</title>", f"<style>{STYLE}</style>",
             f'<rect width="{width}" height="{height}" rx="6" class="page"/>']
    for number, (title, column, bars) in enumerate(panels):
        left, top = 10 + number % 2 * PANEL_WIDTH, 10 + number // 2 * panel_height
        parts += _panel(left, top, title, column, bars, titles)
    parts += [_text(10, height - 8, note, "note"), "</svg>", ""]
    return "\n".join(parts)
