#!/usr/bin/env python3
"""Every relayctl and relayd command in the documents exists, with the options it is shown with.

usage: documented_commands.py RELAYCTL RELAYD
Looked at: indented lines, fenced lines, and `…` in the text, of README.md and docs/*.md.
"""

import functools
import re
import shlex
import subprocess
import sys

from sources import ROOT, finish

SPAN = re.compile(r"`((?:relayctl|relayd) [^`\n]+)`")
LINE = re.compile(r"^(?:    |\t)+(?:.*\s)?((?:relayctl|relayd) [a-z].*)$")
COMMENT = re.compile(r"\s+#.*$")
ENDS = re.compile(r"[;|&>].*$|\\$")
OPTION = re.compile(r"--[a-z][a-z-]*")


def commands_in(text):
    """Pairs of line number and command line."""
    for number, line in enumerate(text.splitlines(), 1):
        line = COMMENT.sub("", line)
        found = LINE.match(line)
        spans = [found[1]] if found else SPAN.findall(line)
        for span in spans:
            yield number, ENDS.sub("", span).strip()


@functools.cache
def help_of(program, words):
    done = subprocess.run([program, *words, "--help"], text=True, check=False, timeout=20,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout if done.returncode == 0 else None


@functools.cache
def command_names(program):
    """Of the program's help: what stands first in the lines below "Commands"."""
    below = re.split(r"(?im)^(?:sub)?commands:?$", help_of(program, ()))[-1]
    return {match[1] for match in re.finditer(r"(?m)^  ([a-z][a-z -]*?)(?=\s{2,}|\s[A-Z\[<]|$)", below)}


def fault_of(program, name, command):
    try:
        words = shlex.split(command)[1:]
    except ValueError:
        words = command.split()[1:]
    words = [word.rstrip(",.…") for word in words]
    verbs = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
    if not verbs or words[0] != verbs[0]:
        return None  # Options alone.
    names = command_names(program)
    known = next((verb for verb in (tuple(words[:2]), tuple(words[:1])) if " ".join(verb) in names), None)
    if known is None:
        return f"{name} has no command '{words[0]}'"
    text = help_of(program, known)
    missing = [option for option in OPTION.findall(" ".join(words)) if text is None or option not in text]
    return f"'{name} {' '.join(known)}' has no {', '.join(missing)}" if missing else None


def main():
    programs = {"relayctl": sys.argv[1], "relayd": sys.argv[2]}
    faults, checked = [], 0
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, command in commands_in(file.read_text(encoding="utf-8")):
            name = command.split()[0]
            checked += 1
            fault = fault_of(programs[name], name, command)
            if fault:
                faults.append(f"{file.relative_to(ROOT)}:{number}: {fault}: {command}")
    if checked < 20:
        faults.append("hardly any commands found in the documents")
    finish(faults, checked)


if __name__ == "__main__":
    main()
