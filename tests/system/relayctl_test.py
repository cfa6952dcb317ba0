#!/usr/bin/env python3
"""What people and programs see of relayctl, with fixed answers behind it. The arguments are relayctl
and control_fake."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from control_fake import RELAYCTL, WithFake, command


class Commands(WithFake):
    def test_status_is_the_default(self):
        text = self.ctl().stdout
        self.assertEqual(text, self.ctl("status").stdout)
        self.assertIn("relayd 9.9.9, relay, up 1 d 1 h (pid 4711)", text)
        self.assertIn("wss://0.0.0.0:443, tls://0.0.0.0:8443", text)
        self.assertIn("problem:  forward 127.0.0.1:22 does not listen", text)

    def test_sessions_shows_each_column(self):
        head, *lines = self.ctl("sessions").stdout.splitlines()
        first, second = lines[-2:]  # The other home's name comes before.
        self.assertEqual(head.split(), ["HOME", "ADDRESS", "CARRIERS", "UP", "RTT", "STREAMS", "IN", "OUT",
                                        "FORWARDS"])
        self.assertRegex(first, r"^work-pc +203\.0\.113\.7:40022 +wss +1 d 1 h +20 ms +2 +1\.2 MB"
                                r" +999 B +127\.0\.0\.1:3389 ok, 12 ms, 7 s ago$")
        self.assertRegex(second, r"^ +198\.51\.100\.2:5 +tls +- +127\.0\.0\.1:22 silent, 7 s ago$")
        self.assertEqual(second.index("127"), head.index("FORWARDS"))
        self.assertEqual(second.index("tls"), head.index("CARRIERS"))

    def test_names_from_elsewhere_cannot_command_the_terminal(self):
        self.assertNotIn("\x1b", self.ctl("sessions").stdout)

    def test_other_listings(self):
        self.assertRegex(self.ctl("streams").stdout, r"ID +HOME.*\n +7 +work-pc")
        self.assertRegex(self.ctl("forward", "list").stdout, r"rdp: ok, 12 ms, 7 s ago +config +2 +40 +1\n")
        homes = self.ctl("home", "list").stdout
        self.assertIn("never seen", homes)
        self.assertRegex(homes, r"SHA256:one.*\n +SHA256:two\n")

    def test_json_is_what_the_socket_says(self):
        for words, method in ((("status",), "status"), (("sessions",), "sessions.list"),
                              (("streams",), "streams.list"), (("forward", "list"), "forwards.list"),
                              (("home", "list"), "homes.list")):
            with self.subTest(method):
                text = self.ctl(*words, "--json").stdout
                said = self.raw().ask(json.dumps({"id": 1, "do": method}))
                self.assertEqual(json.loads(text), said["ok"])
                self.assertEqual(text.count("\n"), 1)

    def test_homes_can_be_chosen(self):
        self.assertEqual(json.loads(self.ctl("sessions", "--home", "x", "--json").stdout)["sessions"], [])
        self.assertEqual(self.ctl("sessions", "--home", "x").stdout, "no home is connected\n")

    def test_forward_add_passes_everything_on(self):
        done = self.ctl("forward", "add", "22000-22004", "--home", "lab", "--to", "10.0.0.1:5", "--probe",
                        "ssh", "--grace", "1m30s", "--temporary", "--for", "2h", "--json")
        added = json.loads(done.stdout)["forwards"][0]
        self.assertEqual(added["listen"], "22000-22004")
        self.assertEqual(added["home"], "lab")
        self.assertEqual(added["target"], "10.0.0.1:5")
        self.assertEqual(added["probe_kind"], "ssh")
        self.assertEqual(added["grace_s"], 90)
        self.assertEqual(added["origin"], "temporary")
        self.assertEqual(added["expires_s"], 7200)
        added = json.loads(self.ctl("forward", "add", "22", "--listen", "[::1]:2222", "--json").stdout)
        self.assertEqual(added["forwards"][0]["listen"], "[::1]:2222")
        self.assertEqual(added["forwards"][0]["target"], "22")
        self.assertEqual(self.ctl("forward", "add", "1", "--home", "lab", "--to", "5").stdout,
                         "forward 1 -> lab 5 (runtime)\n")

    def test_an_invitation_is_one_line_for_whoever_passes_it_on(self):
        done = self.ctl("invite", "lab", "--forward", "3389", "--forward", "2222=10.0.0.1:22", "--expires", "1h",
                        "--url", "wss://vps")
        self.assertEqual(done.stdout, "relayd join wss://vps AToken\n")
        for text in ("within 1 h", "3389 here", "2222 here is 10.0.0.1:22 there", "Note: something to know."):
            self.assertIn(text, done.stderr)
        made = json.loads(self.ctl("invite", "lab", "--json").stdout)["invitations"][0]
        self.assertEqual((made["token"], made["expires_s"]), ("AToken", -1))
        self.assertRegex(self.ctl("invites").stdout, r"work-pc +7 s ago +in 10 min +127\.0\.0\.1:3389 -> ")
        self.assertEqual(self.ctl("invite", "revoke", "work-pc").stdout, "the invitation of work-pc is revoked\n")
        self.ctl("invite", "revoke", "lab", expect=1)
        self.ctl("invite", expect=2)

    def test_visitors(self):
        self.assertRegex(self.ctl("visitor", "list").stdout,
                         r"alice +online, 7 s +SHA256:\S+ +anywhere +runtime +2 +work-pc:3389\n +lab:\*\n")
        done = self.ctl("visitor", "add", "bob", "ssh-ed25519", "AAAA", "--may-reach", "pc:22", "--may-reach", "pc:80")
        self.assertEqual(done.stdout, "visitor bob may dial in, and reach pc:22, pc:80\n")
        self.assertEqual(self.ctl("visitor", "add", "bob", "ssh-ed25519 AAAA").stdout,
                         "visitor bob may dial in, and reach nothing yet\n")
        self.assertEqual(self.ctl("visitor", "remove", "bob").stdout, "visitor bob removed\n")
        self.ctl("visitor", "remove", expect=2)

    def test_homes_and_keys(self):
        key = "ssh-ed25519 AAAA work pc"
        self.assertIn(key, self.ctl("home", "add", "lab", key).stdout)
        self.assertIn(key, self.ctl("home", "add", "lab", *key.split()).stdout)
        file = pathlib.Path(self.folder, "id.pub")
        file.write_text(key + "\n", encoding="utf-8")
        self.assertIn(key, self.ctl("home", "add", "lab", str(file)).stdout)
        self.ctl("home", "remove", "lab")
        self.ctl("session", "close", "lab")
        self.ctl("stream", "close", "7")
        self.assertEqual(self.ctl("allow", "127.0.0.1:3389").stdout, "127.0.0.1:3389 may be dialled\n")

    def test_probe_tells_by_its_status(self):
        self.assertIn("ok", self.ctl("probe", "3389").stdout)
        self.assertIn("nothing came within 5 s", self.ctl("probe", expect=1).stdout)
        probes = json.loads(self.ctl("probe", "--json", expect=1).stdout)["probes"]
        self.assertEqual([probe["ok"] for probe in probes], [True, False])

    def test_a_watched_probe_is_a_line_each_time(self):
        done = self.ctl("probe", "--watch", "1s", "--failures", "2", expect=1)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  127\.0\.0\.1:3389  work-pc  ok  12 ms$")
        self.assertRegex(lines[1], r"  127\.0\.0\.1:22  work-pc  silent  nothing came within 5 s$")
        done = self.ctl("probe", "--watch", "1s", "--failures", "1", "--json", expect=1)
        self.assertEqual([json.loads(line)["ok"] for line in done.stdout.splitlines()], [True, False])
        done = command("/nowhere", "probe", "3389", "--watch", "1s", "--failures", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("  no relayd  cannot reach relayd at /nowhere", done.stdout)
        self.ctl("probe", "--failures", "2", expect=2)

    def test_doctor_names_what_is_broken_and_what_to_do(self):
        done = self.ctl("doctor", expect=1)
        self.assertIn("  broken   target      evil\\x1b[31m refuses\n" + 23 * " " + "→ systemctl start xrdp\n",
                      done.stdout)
        self.assertTrue(done.stdout.endswith(
            "\nbroken: target (127.0.0.1:3389 -> work-pc 127.0.0.1:3389), 2 worth a look\n"), done.stdout)
        done = self.ctl("doctor", "3389")
        self.assertIn("  ok       listener    served, 4.2 ms\n", done.stdout)
        checks = json.loads(self.ctl("doctor", "3389", "--json").stdout)["checks"]
        self.assertEqual([check["hop"] for check in checks],
                         ["settings", "relayd", "session", "listener", "gate"])

    def test_what_visitors_need(self):
        done = self.ctl("rdp-file", "work-pc", "--host", "vps.example.com")
        self.assertTrue(done.stdout.startswith("full address:s:127.0.0.1:13389\n"), done.stdout)
        self.assertIn("ssh -N -L 13389:127.0.0.1:3389 vps.example.com\n", done.stderr)
        done = self.ctl("rdp-file", "work-pc", expect=1)
        self.assertIn("--host vps.example.com", done.stderr)
        self.assertIn("forward add", self.ctl("ssh-config", "--host", "vps", expect=1).stderr)
        self.assertEqual(self.ctl("ssh-config", "--host", "vps", "--json").stdout, '{"hosts":[]}\n')
        self.ctl("ssh-config", "--host", "two words", expect=2)

    def test_refusals_are_1_with_their_reason_on_stderr(self):
        done = self.ctl("forward", "add", "22", expect=1)
        self.assertEqual((done.stdout, done.stderr),
                         ("", "relayctl forward add: Address already in use\n"))
        self.assertIn("on the home: relayctl allow HOST:PORT", self.ctl("allow", expect=1).stderr)
        self.assertIn("one\nrelayd.yaml:2:1: error: two\n", self.ctl("reload", expect=1).stderr)
        self.ctl("forward", "remove", "1", expect=1)

    def test_wrong_usage_is_2_and_specific(self):
        for words, text in ((("frobnicate",), 'no command "frobnicate"'), (("sesions",), 'perhaps "sessions"'),
                            (("forward",), "needs one of: add, list, remove"), (("--frob",), "--frob"),
                            (("status", "more"), "more"), (("status", "--frob"), "--frob"),
                            (("forward", "add"), "LISTEN"), (("stream", "close", "x"), "x"),
                            (("forward", "add", "1", "--for", "soon"), "soon"),
                            (("completion", "tcsh"), "tcsh")):
            with self.subTest(words):
                done = self.ctl(*words, expect=2)
                self.assertIn(text, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_help_and_version_need_no_relayd(self):
        for words in (("--help",), ("-h",), ("--version",), ("forward", "--help"),
                      ("forward", "add", "--help"), ("completion", "bash")):
            self.assertEqual(command("/nowhere", *words).returncode, 0, words)

    def test_colour_is_for_terminals_that_want_it(self):
        def on_terminal(**environment):
            script = ["script", "-qec", f"{RELAYCTL} --control {self.path} probe 3389", "/dev/null"]
            return subprocess.run(script, check=True, stdout=subprocess.PIPE, text=True, timeout=30,
                                  stdin=subprocess.DEVNULL, env={**os.environ, **environment}).stdout
        if not shutil.which("script"):
            self.skipTest("no script(1)")
        self.assertIn("\x1b[32mok\x1b[0m", on_terminal(NO_COLOR=""))
        self.assertNotIn("\x1b", on_terminal(NO_COLOR="1"))
        self.assertNotIn("\x1b", self.ctl("probe", "3389").stdout)


class Events(WithFake):
    def follow(self, *words):
        process = subprocess.Popen([RELAYCTL, "--control", self.path, "events", *words], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"TZ": "UTC"})
        # It follows once its events come: they are made until one does.
        os.set_blocking(process.stdout.fileno(), False)
        first = ""
        while not first:
            self.ctl("forward", "add", "3389", "--home", "lab")
            first = process.stdout.readline()
        os.set_blocking(process.stdout.fileno(), True)
        return process, first

    def test_events_are_followed_until_ctrl_c(self):
        process, first = self.follow()
        self.assertRegex(first, r"^20\d\d-\d\d-\d\d [\d:]+\.\d\d\d  forward-added +lab 3389: listening")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, -signal.SIGINT)

    def test_events_are_lines_of_json_for_programs(self):
        process, first = self.follow("--json")
        self.assertEqual(json.loads(first)["kind"], "forward-added")
        self.fake.stop()
        _, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 3)
        self.assertIn("closed the connection", errors)


if __name__ == "__main__":
    unittest.main(verbosity=1)
