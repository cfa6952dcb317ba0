#!/usr/bin/env python3
"""docs/DBUS.md names every method, property and signal that relayd has on the bus, and no other; each
method is one of the control protocol, and has a row in the vtable."""

import re

from sources import finish, read

NAMES = "daemon/bus/bus_names.h"
VTABLE = "daemon/bus/system_bus.cpp"


def section(text, title):
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group(1)


def first_cells(text):
    """Words in backquotes in the first cell of each row of a table."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return set(re.findall(r"`(\w+)`", " ".join(cells)))


def main():
    manual, vtable = read("docs/DBUS.md"), read(VTABLE)
    rows = dict(re.findall(r'\{"(\w+)", "([\w.]+)"\}', read(NAMES)))
    methods = set(re.findall(r'(?:RELAY_QUESTION|RELAY_METHOD)\("(\w+)"\)', vtable))
    control = set(re.findall(r'\{"([\w.]+)", Effect::',
                             read("daemon/control/commands_show.cpp")
                             + read("daemon/control/commands_change.cpp")))
    signals = set(re.findall(r'SD_BUS_SIGNAL_WITH_ARGS\(\s*"(\w+)"', vtable))
    properties = set(re.findall(r'SD_BUS_PROPERTY\(\s*"(\w+)"', vtable))
    in_table = set(re.findall(r'\{"(\w+)", "\w+", \'\w\'\}', vtable))
    pairs = [
        ("methods", methods, f"rows of {NAMES}", set(rows)),
        ("methods and Call", methods | {"Call"}, "DBUS.md", first_cells(section(manual, "Methods"))),
        ("signals", signals, "DBUS.md", first_cells(section(manual, "Signals"))),
        ("properties", properties, "their table", in_table),
        ("properties", properties, "DBUS.md",
         set(re.findall(r"`([A-Z]\w+)`", section(manual, "Properties"))) - {"PropertiesChanged"}),
    ]
    faults = [f"{name}: {what} is not in {where}" for what, some, where, others in pairs
              for name in sorted(some - others)]
    faults += [f"{name}: in {where}, and none of the {what}" for what, some, where, others in pairs
               for name in sorted(others - some)]
    faults += [f"{NAMES}: there is no control method {method}"
               for method in sorted(set(rows.values()) - control)]
    finish(faults, len(methods) + len(signals) + len(properties))


if __name__ == "__main__":
    main()
