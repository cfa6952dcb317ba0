#!/usr/bin/env python3
"""Every constant of common/wire/limits.h stands in docs/PROTOCOL.md with the same value, and the
other way round."""

import re

from sources import finish, read

IN_CODE = re.compile(r"inline constexpr [\w:]+ (\w+) = ([^;]+);")
IN_DOCUMENT = re.compile(r"^\| `?(\w+)`? \| ([0-9][0-9 '*x]*) \|", re.MULTILINE)


def value_of(text):
    """A number or a product of numbers."""
    value = 1
    for factor in re.split(r"\*", text.replace("'", "").replace(" ", "")):
        value *= int(re.sub(r"[uUlL]+$", "", factor), 0)
    return value


def main():
    in_code = {name: value_of(value) for name, value in IN_CODE.findall(read("common/wire/limits.h"))}
    section = read("docs/PROTOCOL.md").split("| constant ", 1)
    in_document = {name: value_of(value) for name, value in IN_DOCUMENT.findall(section[-1])}
    faults = [
        f"{name}: {in_code.get(name, 'missing')} in common/wire/limits.h, "
        f"{in_document.get(name, 'missing')} in docs/PROTOCOL.md"
        for name in sorted(in_code.keys() | in_document.keys())
        if in_code.get(name) != in_document.get(name)
    ]
    if not in_code:
        faults.append("common/wire/limits.h: no constants found")
    finish(faults, len(in_code))


if __name__ == "__main__":
    main()
