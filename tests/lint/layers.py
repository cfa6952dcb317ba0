#!/usr/bin/env python3
"""Checks every #include against the layer table of docs/ARCHITECTURE.md.

A row is a permission: layer | may include | third party. A layer may include itself, the layers its
row names (a folder stands for all below it, unless deeper folders have rows of their own), and of
third-party headers only those its row names by prefix. "`x` in .cpp" allows x outside headers only.
The standard library is open to all but what FORBIDDEN_IN_COMMON names; POSIX is closed to common/.
"""

import re
import sys

from sources import code_files, finish, read

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
NAME = re.compile(r"`([^`]+)`( in \.cpp)?")
POSIX = re.compile(
    r"(sys|net|netinet|arpa|linux|bits|asm)/|"
    r"(unistd|fcntl|poll|pwd|grp|signal|dirent|netdb|spawn|termios|sched|pthread|errno|time|fnmatch|"
    r"syslog|dlfcn|ifaddrs|utime|glob|wordexp|regex|semaphore|mqueue|ucred)\.h$"
)
FORBIDDEN_IN_COMMON = {
    "fstream", "iostream", "filesystem", "thread", "mutex", "atomic", "condition_variable", "future",
    "random", "csignal", "ctime", "shared_mutex", "stop_token", "locale",
}
CLOCK = re.compile(r"\b(gettimeofday|clock_gettime|timespec_get|uv_hrtime|\w+_clock::now)\b")
# One tells the time that never jumps from the one of day, the other writes the latter before lines.
CLOCK_READERS = {"daemon/io/system_clock.cpp", "daemon/log/stderr_output.cpp"}
CLOCK_OR_ENVIRONMENT = re.compile(r"\b(getenv|gettimeofday|clock_gettime|(?:steady|system)_clock\b)")


class Row:
    def __init__(self, line):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        self.layers = [name for name, _ in NAME.findall(cells[0])]
        self.everything = cells[1].startswith("everything")
        self.may_include = [name for name, _ in NAME.findall(cells[1])]
        self.third_party = [(name, bool(cpp)) for name, cpp in NAME.findall(cells[2])]
        self.any_third_party = cells[2].startswith("any")


def table():
    rows, inside = [], False
    for line in read("docs/ARCHITECTURE.md").splitlines():
        if line.startswith("| layer "):
            inside = True
        elif inside and not line.startswith("|"):
            break
        elif inside and not line.startswith("|-"):
            rows.append(Row(line))
    names = [layer for row in rows for layer in row.layers]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"docs/ARCHITECTURE.md: two rows for {', '.join(sorted(twice))}")
    return {layer: row for row in rows for layer in row.layers}


def layer_of(path, layers):
    """The longest row that the path lies in: a folder, or a file without its suffix."""
    text = re.sub(r"\.(h|cpp)$", "", str(path))
    fitting = [layer for layer in layers if text == layer or text.startswith(layer + "/")]
    return max(fitting, key=len, default=None)


def own_include_allowed(row, own_layer, included_layer):
    if row.everything or included_layer == own_layer:
        return True
    return any(included_layer == name or included_layer.startswith(name + "/")
               for name in row.may_include)


def system_include_allowed(row, path, header):
    in_common = str(path).startswith("common/")
    if "/" not in header and "." not in header:
        return not (in_common and header in FORBIDDEN_IN_COMMON)
    if row.any_third_party or (POSIX.match(header) and not in_common):
        return True
    return any(header.startswith(prefix) and (not cpp_only or path.suffix == ".cpp")
               for prefix, cpp_only in row.third_party)


def faults_of(path, rows):
    layer = layer_of(path, rows)
    if layer is None:
        yield f"{path}:1: belongs to no layer of docs/ARCHITECTURE.md"
        return
    row = rows[layer]
    for number, line in enumerate(read(path).splitlines(), 1):
        found = INCLUDE.match(line)
        if found and found[1]:
            included = layer_of(found[1], rows)
            if included is None:
                yield f'{path}:{number}: "{found[1]}" is not rooted, or of no layer'
            elif not own_include_allowed(row, layer, included):
                yield f"{path}:{number}: {layer} may not include {included}"
        elif found and not system_include_allowed(row, path, found[2]):
            yield f"{path}:{number}: {layer} may not include <{found[2]}>"
        elif str(path).startswith("common/") and CLOCK_OR_ENVIRONMENT.search(line.split("//")[0]):
            yield f"{path}:{number}: no clock and no environment under common/"
        elif (str(path).startswith(("daemon/", "ctl/")) and str(path) not in CLOCK_READERS
              and CLOCK.search(line.split("//")[0])):
            yield f"{path}:{number}: clocks are read by daemon/io/system_clock.h"


def main():
    rows = table()
    files = code_files()
    finish([fault for path in files for fault in faults_of(path, rows)], len(files))


if __name__ == "__main__":
    main()
