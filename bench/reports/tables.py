"""Figures as tables in Markdown."""

from reports import columns


def markdown(head, rows):
    """Cells are texts; the first column is left-aligned, the others right-aligned."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    align = [str.ljust] + [str.rjust] * (len(head) - 1)

    def line(row):
        cells = [pad(cell, width) for pad, cell, width in zip(align, row, widths)]
        return "| " + " | ".join(cells) + " |"
    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (width + 1) + ":" for width in widths[1:]]) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def figures(medians, titles, shown):
    """A row for each rig, and the columns `shown`."""
    return markdown(["", *(column.title for column in shown)],
                    [[titles[rig], *(column.show(values.get(column.key)) for column in shown)]
                     for rig, values in medians.items()])


def best_peer(medians, peers, column):
    """The name and the value of the best of `peers`, or None."""
    known = {rig: medians[rig][column.key] for rig in peers
             if medians.get(rig, {}).get(column.key)}
    if not known:
        return None
    best = column.best(known.values())
    return next(rig for rig, value in known.items() if value == best), best


def ratios(medians, titles, own, peers, peers_are):
    """Each column against the best of `peers` in it; above 1 is better."""
    own = [rig for rig in own if rig in medians]
    rows = []
    for column in columns.ALL:
        found = best_peer(medians, peers, column)
        if not found:
            continue
        peer, value = found
        row = [column.title, f"{titles[peer]}: {column.show(value)}"]
        for rig in own:
            ratio = column.ratio(medians[rig].get(column.key), value)
            row.append("–" if ratio is None else f"{ratio:.2f}" + ("" if ratio >= 1 else " !"))
        rows.append(row)
    return markdown(["ratio (above 1: relayd is better)", peers_are,
                     *(titles[rig] for rig in own)], rows)
