#!/usr/bin/env python3
"""Tab in real shells, with the files that are installed and a relayd that answers.

usage: completion_test.py RELAYCTL CONTROL_FAKE BUILD_FOLDER
"""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import unittest

BUILD = pathlib.Path(sys.argv.pop()).resolve()

from control_fake import RELAYCTL, WithFake  # noqa: E402 - it takes the other two arguments away.

BASH = r"""
source "$1/${2%% *}"; shift
COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_${COMP_LINE%% *}
printf '%s\n' "${COMPREPLY[@]}"
"""
ZSH = r"""
unsetopt zle_bracketed_paste; PS1='REA''DY>'; fpath=(%s $fpath); autoload -Uz compinit; compinit -u -D
"""


class Completion(WithFake):
    def setUp(self):
        super().setUp()
        # In the path, as on a machine that has it installed.
        folder = pathlib.Path(self.folder) / "bin"
        folder.mkdir()
        (folder / "relayctl").symlink_to(pathlib.Path(RELAYCTL).resolve())
        (folder / "relayd").symlink_to(BUILD / "daemon/relayd")
        self.environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TERM": "xterm",
                            "HOME": self.folder}

    def shell(self, *words):
        done = subprocess.run(words, check=False, text=True, timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def expect_lists(self, completed):
        self.assertEqual(set(completed("relayctl ses")), {"sessions", "session"})
        self.assertEqual(set(completed("relayctl --json forward ")), {"add", "list", "remove"})
        self.assertEqual(completed("relayctl forward add 1 --te"), ["--temporary"])
        self.assertEqual(completed(f"relayctl --control {self.path} sessions --home w"), ["work-pc"])
        self.assertEqual(completed(f"relayctl --control {self.path} forward remove 33"), ["3389"])
        self.assertEqual(completed("relayctl --control /etc/hostn"), ["/etc/hostname"])
        self.assertEqual(set(completed("relayd ")) & {"relay", "home", "check", "words"},
                         {"relay", "home", "check"})
        self.assertEqual(completed("relayd home --all"), ["--allow"])
        self.assertEqual(completed("relayd --log-level debug key "), ["show"])
        self.assertEqual(completed("relayd check /etc/hostn"), ["/etc/hostname"])
        self.assertEqual(completed("relayd --config /etc/hostn"), ["/etc/hostname"])
        self.assertEqual(completed("relayctl --control /nowhere sessions --home w"), [])

    def test_bash(self):
        self.expect_lists(lambda line: self.shell(
            "bash", "-c", BASH, "bash", BUILD / "ctl/completion", line).split())

    def test_fish(self):
        def completed(line):
            script = f"source {BUILD}/ctl/completion/{line.split()[0]}.fish; complete -C '{line}'"
            shown = self.shell("fish", "--no-config", "-c", script)
            return [word.split("\t")[0] for word in shown.splitlines() if word]
        self.expect_lists(completed)

    def test_zsh(self):
        for typed, becomes in (("relayctl statu", "relayctl status "),
                               ("relayd jo", "relayd join "),
                               ("relayctl forward add 1 --te", "relayctl forward add 1 --temporary "),
                               (f"relayctl --control {self.path} sessions --home w",
                                f"relayctl --control {self.path} sessions --home work-pc "),
                               (f"relayctl --control {self.path} forward remove 33",
                                f"relayctl --control {self.path} forward remove 3389 "),
                               ("relayctl --control /etc/hostn", "relayctl --control /etc/hostname ")):
            with self.subTest(typed):
                self.assertEqual(self.typed_in_zsh(typed), becomes.split())

    def typed_in_zsh(self, line):
        """The words on the line after Tab: they are printed instead of run."""
        process, terminal = pty.fork()
        if process == 0:
            os.execvpe("zsh", ["zsh", "-fi"], self.environment)
        try:
            os.write(terminal, (ZSH % (BUILD / "ctl/completion")).strip().encode() + b"\n")
            self.read_until(terminal, rb"READY>")
            os.write(terminal, line.encode() + b"\t\x01print -r -- WORDS \n")
            seen = self.read_until(terminal, rb"[\r\n]WORDS ([^\r\n]*)\r*\n")
            return seen[1].decode().split()
        finally:
            os.close(terminal)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    def read_until(self, terminal, pattern):
        seen = b""
        while not (found := re.search(pattern, seen)):
            if not select.select([terminal], [], [], 30)[0]:
                self.fail(f"zsh said nothing more after {seen}")
            seen += os.read(terminal, 4096)
        return found


if __name__ == "__main__":
    unittest.main()
