#!/usr/bin/env python3
"""man/relayd-protocol.7 has the frames, messages, reasons and constants of docs/PROTOCOL.md, and no
others."""

import re

from sources import finish, read

NUMBER = r"(?:0x[0-9a-f]{2}|\d+)"


def document_rows(text):
    """Of the tables of frames, messages and constants: (first, second) column."""
    return set(re.findall(rf"^\| ({NUMBER}|[a-z_]+) \| ([A-Z]+|\d+) \|", text, re.MULTILINE))


def document_reasons(text):
    """Of "REFUSAL reasons: 1 unknown key, 2 …" and the like: number and words."""
    found = set()
    flat = re.sub(r"\s+", " ", text)
    for sentence in re.findall(r"(?:reasons|ends the session for good): (\d [^.(]*)", flat):
        found |= {tuple(part.strip().split(" ", 1)) for part in sentence.split(",")}
    return found


def page_rows(page):
    rows = re.findall(r"^([^\t\n.]+)\t([^\t\n]+)", page, re.MULTILINE)
    is_name = re.compile(r"[A-Z]+$|\d+$")
    tables = {row for row in rows if is_name.match(row[1])}
    return tables, set(rows) - tables


def main():
    document, page = read("docs/PROTOCOL.md"), read("man/relayd-protocol.7")
    tables, reasons = page_rows(page)
    faults = []
    for what, here, there in (("row", tables, document_rows(document)),
                              ("reason", reasons, document_reasons(document))):
        faults += [f"man/relayd-protocol.7: no {what} {' '.join(row)}, which docs/PROTOCOL.md has"
                   for row in sorted(there - here)]
        faults += [f"man/relayd-protocol.7: {what} {' '.join(row)}, which docs/PROTOCOL.md has not"
                   for row in sorted(here - there)]
        if not there:
            faults.append(f"docs/PROTOCOL.md: no {what}s found")
    finish(faults, len(tables) + len(reasons))


if __name__ == "__main__":
    main()
