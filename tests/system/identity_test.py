#!/usr/bin/env python3
"""Our keys and OpenSSH's are the same: ssh-keygen reads what we write, we read what it writes, and
a real ssh-agent signs for us. The argument is the program identity_tool."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TOOL = sys.argv.pop(1) if len(sys.argv) > 1 else ""
PASSPHRASE = "correct horse"


def run(*command, **options):
    return subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=30, **options)


def fingerprint(path):
    """As ssh-keygen -lf prints it: bits, fingerprint, comment, type."""
    return run("ssh-keygen", "-lf", path).stdout.split()[1]


class Agent:
    """A real ssh-agent in the foreground, ended with the test."""

    def __init__(self, directory):
        self.socket = os.path.join(directory, "agent.sock")
        self.process = subprocess.Popen(["ssh-agent", "-D", "-a", self.socket],
                                        stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while run("ssh-add", "-l", env=self.environment()).returncode == 2:
            if time.monotonic() > deadline:
                raise TimeoutError("ssh-agent did not start")

    def environment(self, **more):
        return {**os.environ, "SSH_AUTH_SOCK": self.socket, **more}

    def stop(self):
        self.process.terminate()
        self.process.wait()


class IdentityTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="relay-identity-")
        self.addCleanup(shutil.rmtree, self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def keygen(self, name, *options, passphrase="", comment="made by ssh-keygen"):
        path = self.path(name)
        made = run("ssh-keygen", "-q", "-N", passphrase, "-C", comment, "-f", path,
                   *(options or ["-t", "ed25519"]))
        self.assertEqual(made.returncode, 0, made.stderr)
        return path

    def agent(self):
        agent = Agent(self.directory)
        self.addCleanup(agent.stop)
        return agent

    def add_with_passphrase(self, agent, path):
        askpass = self.path("askpass")
        with open(askpass, "w", encoding="ascii") as script:
            script.write(f"#!/bin/sh\necho '{PASSPHRASE}'\n")
        os.chmod(askpass, 0o700)
        added = run("ssh-add", path, env=agent.environment(
            SSH_ASKPASS=askpass, SSH_ASKPASS_REQUIRE="force", DISPLAY=":none"))
        self.assertEqual(added.returncode, 0, added.stderr)

    def test_keys_made_by_ssh_keygen_are_read(self):
        for number, comment in enumerate(["", "a", "me@host", "with some blanks", "x" * 200]):
            path = self.keygen(f"key{number}", comment=comment)
            shown = run(TOOL, "show", path)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            with open(path + ".pub", encoding="utf-8") as line:
                self.assertEqual(shown.stdout.splitlines(),
                                 [fingerprint(path), line.read().strip()])

    def test_keys_made_by_us_are_read_by_ssh_keygen(self):
        for number, comment in enumerate(["", "a", "relayd@host", "x" * 200]):
            path = self.path(f"key{number}")
            made = run(TOOL, "create", path, comment)
            self.assertEqual(made.returncode, 0, made.stderr)
            ours, line = made.stdout.splitlines()
            self.assertEqual(ours, fingerprint(path))
            self.assertEqual(ours, fingerprint(path + ".pub"))
            derived = run("ssh-keygen", "-y", "-f", path)
            self.assertEqual(derived.stdout.strip(), line, derived.stderr)

    def test_ssh_keygen_can_give_our_key_a_passphrase_and_take_it_away(self):
        path = self.path("key")
        shown = run(TOOL, "create", path, "relayd").stdout
        for old, new in (("", PASSPHRASE), (PASSPHRASE, "")):
            changed = run("ssh-keygen", "-q", "-p", "-P", old, "-N", new, "-f", path)
            self.assertEqual(changed.returncode, 0, changed.stderr)
        self.assertEqual(run(TOOL, "show", path).stdout, shown)

    def test_a_passphrase_is_explained(self):
        path = self.keygen("key", passphrase=PASSPHRASE)
        shown = run(TOOL, "sign", path)
        self.assertEqual(shown.returncode, 1)
        self.assertIn(path, shown.stderr)
        self.assertIn("ssh-agent", shown.stderr)

    def test_other_kinds_of_keys_are_named(self):
        for name, options, word in (
                ("rsa", ["-t", "rsa", "-b", "2048"], '"ssh-rsa"'),
                ("ecdsa", ["-t", "ecdsa"], '"ecdsa-sha2-nistp256"'),
                ("pem", ["-t", "rsa", "-b", "2048", "-m", "PEM"], "PEM")):
            shown = run(TOOL, "show", self.keygen(name, *options))
            self.assertEqual(shown.returncode, 1)
            self.assertIn(word, shown.stderr)
            self.assertIn("ssh-keygen -t ed25519", shown.stderr)

    def test_a_key_readable_by_others_is_refused_as_ssh_keygen_refuses_it(self):
        path = self.keygen("key")
        os.chmod(path, 0o644)
        self.assertIn("0644", run("ssh-keygen", "-y", "-f", path).stderr)
        shown = run(TOOL, "show", path)
        self.assertEqual(shown.returncode, 1)
        self.assertIn(f"permissions 0644 for {path} are too open", shown.stderr)
        self.assertIn(f"chmod 600 {path}", shown.stderr)

    def test_an_agent_signs_for_a_key_with_a_passphrase(self):
        agent = self.agent()
        path = self.keygen("key", passphrase=PASSPHRASE)
        without = run(TOOL, "sign", path, agent.socket)
        self.assertEqual(without.returncode, 1)
        self.assertIn(f"ssh-add {path}", without.stderr)

        self.add_with_passphrase(agent, path)
        signed = run(TOOL, "sign", path, agent.socket)
        self.assertEqual(signed.stdout, f"{fingerprint(path)} by agent\n", signed.stderr)

    def test_an_agents_keys_are_listed_and_others_skipped(self):
        agent = self.agent()
        path = self.keygen("key", comment="mine")
        for each in (path, self.keygen("rsa", "-t", "rsa", "-b", "2048")):
            run("ssh-add", each, env=agent.environment())
        listed = run(TOOL, "agent", agent.socket)
        self.assertEqual(listed.stdout, f"{fingerprint(path)} mine\n1 skipped\n", listed.stderr)

    def test_a_silent_agent_is_given_up(self):
        path = self.path("silent.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            listed = run(TOOL, "agent", path)
        self.assertEqual(listed.returncode, 1)
        self.assertIn("did not answer within 5 s", listed.stderr)

    def test_an_agent_that_talks_nonsense_or_hangs_up_is_an_error(self):
        for number, (answer, word) in enumerate(((b"", "closed the connection"),
                                                 (b"\0\0\0\1\5", "refused"),
                                                 (b"\xff" * 8, "256 KiB"),
                                                 (b"\0\0\0\1\x63", "unexpected reply"))):
            path = self.path(f"agent{number}.sock")
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen()
                server = threading.Thread(target=self.answer_once, args=(listener, answer))
                server.start()
                listed = run(TOOL, "agent", path)
                server.join()
            self.assertEqual(listed.returncode, 1)
            self.assertIn(word, listed.stderr)

    @staticmethod
    def answer_once(listener, answer):
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(answer)


if __name__ == "__main__":
    if not shutil.which("ssh-agent"):
        sys.exit(77)
    unittest.main()
