#!/usr/bin/env python3
"""The commands and long options of a program's help and of its man page are the same.

usage: help_matches_man.py PROGRAM MAN_PAGE
Subcommands are found in the help itself, below a line "Subcommands:" or "Commands:", and asked in turn.
"""

import pathlib
import re
import subprocess
import sys

from sources import finish

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMAND = re.compile(r"^  ([a-z][a-z-]*)\b")
MOST_WORDS = 3  # "forward add" and below are deep enough.


def help_text(program, words):
    done = subprocess.run([program, *words, "--help"], text=True, check=False, timeout=20,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(words)} --help: status {done.returncode}\n{done.stdout}")
    return done.stdout


def commands_in(text):
    below = False
    for line in text.splitlines():
        if re.match(r"(Sub)?commands:", line, re.IGNORECASE):
            below = True
        elif below and re.match(r"\S", line):
            below = False
        elif below and (found := COMMAND.match(line)):
            yield found[1]


def collect(program, words=()):
    """Every command, as a text of words, and every option."""
    text = help_text(program, words)
    commands, options = set(), set(OPTION.findall(text))
    for name in commands_in(text):
        if len(words) + 1 >= MOST_WORDS or name in words:
            continue
        below_commands, below_options = collect(program, (*words, name))
        commands |= below_commands or {" ".join((*words, name))}
        options |= below_options
    return commands, options


def plain(page):
    """A man page's text without macros, escapes and lines for systemctl, its words one space apart."""
    text = re.sub(r"^\.\\\".*$", "", page, flags=re.MULTILINE)
    text = re.sub(r"^systemctl .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\.[A-Z]{1,2}\b", "", text, flags=re.MULTILINE)
    text = text.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
    return re.sub(r"[\s\"]+", " ", text)


def main():
    program, page = sys.argv[1:]
    commands, options = collect(program)
    manual = plain(pathlib.Path(page).read_text(encoding="utf-8"))
    in_manual = set(OPTION.findall(manual))
    faults = [f"{page}: no command '{name}', which the help has" for name in sorted(commands)
              if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", manual)]
    faults += [f"{page}: no {name}, which the help has" for name in sorted(options - in_manual)]
    faults += [f"{page}: {name}, which the help has not" for name in sorted(in_manual - options)]
    finish(faults, len(commands) + len(options))


if __name__ == "__main__":
    main()
