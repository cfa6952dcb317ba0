#!/usr/bin/env python3
"""The control socket: who is let in, what becomes of clients that misbehave, and of the socket's file.
The arguments are relayctl and control_fake."""

import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import stat
import subprocess
import unittest

from control_fake import RELAYCTL, Fake, Raw, WithFake, command

NOBODY = 65534


class Protocol(WithFake):
    def test_greetings(self):
        self.assertEqual(self.raw().greeting["relay-control"], 1)
        for line, code in (('{"relay-control":2}', "unsupported"), ("GET / HTTP/1.1", "malformed"),
                           ('{"id":1,"do":"status"}', "malformed")):
            client = self.raw(greet=False)
            client.receive()
            self.assertEqual(client.ask(line)["error"]["code"], code)
            self.assertIsNone(client.receive())

    def test_garbage_is_refused_and_the_next_line_is_heard(self):
        client = self.raw()
        for line in ("garbage", "[]", "{}", "\x00\x01", '{"id":1', '{"do":"status"}', "[" * 60_000):
            self.assertEqual(client.ask(line)["error"]["code"], "malformed", line[:20])
        self.assertEqual(client.ask('{"id":5,"do":"no.such"}')["error"]["code"], "unsupported")
        answer = client.ask('{"id":6,"do":"forwards.add","with":{"listen":1}}')
        self.assertEqual(answer["error"]["text"], "field listen must be text")
        self.assertEqual(client.ask('\r\n\n{"id":9,"do":"status","later":1}\r')["id"], 9)

    def test_a_line_over_the_limit_ends_the_connection(self):
        client = self.raw()
        client.socket.sendall(b"x" * (64 * 1024 + 1))
        self.assertEqual(client.receive()["error"]["code"], "too-large")
        self.assertIsNone(client.receive())

    def test_answers_reach_a_client_that_has_said_all(self):
        client = self.raw(greet=False)
        client.send('{"relay-control":1}\n{"id":1,"do":"status"}\n{"id":2,"do":"streams.list"}')
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual([line.get("id") for line in map(json.loads, client.lines)], [None, 1, 2])

    def test_a_client_that_reads_late_gets_everything(self):
        client = self.raw()
        client.socket.setblocking(False)
        request = b"".join(b'{"id":%d,"do":"sessions.list"}\n' % i for i in range(20_000))
        sent, seen, text = 0, 0, b""
        while sent < len(request):  # Until relayd reads no more, then a little of the answers.
            try:
                sent += client.socket.send(request[sent:])
            except BlockingIOError:
                client.socket.setblocking(True)
                text += client.socket.recv(1 << 16)
                client.socket.setblocking(False)
        client.socket.settimeout(30)
        while text.count(b"\n") < 20_000:
            text += client.socket.recv(1 << 20)
        for line in text.splitlines():
            self.assertEqual(json.loads(line)["id"], seen)
            seen += 1

    def test_long_lists_come_in_parts_that_make_a_whole(self):
        client = self.raw()
        client.ask('{"id":1,"do":"sessions.close","with":{"session":"many-streams"}}')
        first = client.ask('{"id":2,"do":"streams.list"}')["ok"]
        self.assertEqual((len(first["streams"]), first["left_off"]), (20_000, 7))
        rest = client.ask('{"id":3,"do":"streams.list","with":{"after":"%s"}}' % first["next"])["ok"]
        self.assertEqual((len(rest["streams"]), rest["left_off"]), (7, 0))
        self.assertNotIn("next", rest)

        ids = [stream["id"] for stream in first["streams"] + rest["streams"]]
        whole = json.loads(self.ctl("streams", "--json").stdout)
        self.assertEqual(([stream["id"] for stream in whole["streams"]], whole["left_off"]), (ids, 0))
        self.assertEqual(len(self.ctl("streams").stdout.splitlines()), 20_008)
        part = self.ctl("streams", "--limit", "3").stdout
        self.assertIn("…and 20004 more: relayctl streams --after 'work-pc ", part)

    def test_a_terminal_shows_the_beginning_of_a_long_list(self):
        self.raw().ask('{"id":1,"do":"sessions.close","with":{"session":"many-streams"}}')
        terminal, inner = pty.openpty()
        process = subprocess.Popen([RELAYCTL, "--control", self.path, "streams"], stdout=inner)
        os.close(inner)
        text = b""
        with contextlib.suppress(OSError):  # A terminal that nobody writes to any more.
            while part := os.read(terminal, 1 << 16):
                text += part
        os.close(terminal)
        self.assertEqual(process.wait(20), 0)
        *lines, last = text.decode().splitlines()
        self.assertEqual((len(lines), last),
                         (101, "…and 19907 more: relayctl streams --after 'work-pc 106'"))

    def test_answers_under_way_are_limited_and_outlive_nobody(self):
        client = self.raw()
        for i in range(17):
            client.send('{"id":%d,"do":"probe","with":{"forward":"1"}}' % i)
        self.assertEqual(client.receive()["id"], 16)  # One too many: refused at once.
        gone = Raw(self.path)
        gone.send('{"id":1,"do":"probe","with":{"forward":"1"}}')
        self.raw().ask('{"id":1,"do":"status"}')
        gone.close()
        self.ctl("probe", "3389")  # Answers all that wait.
        self.assertEqual([client.receive()["id"] for _ in range(16)], list(range(16)))

    def test_clients_are_limited(self):
        clients = [self.raw() for _ in range(32)]
        done = self.ctl("status", expect=1)
        self.assertIn("32 clients", done.stderr)
        clients[0].close()
        while command(self.path, "status").returncode != 0:
            pass

    def test_a_follower_that_does_not_read_is_told_and_closed(self):
        slow, other = self.raw(), self.raw()
        self.assertEqual(slow.ask('{"id":1,"do":"events.subscribe"}'), {"id": 1, "ok": {}})
        self.assertIn("ok", other.ask('{"id":1,"do":"sessions.close","with":{"session":"flood"}}'))
        lines = [json.loads(line) for line in slow.lines]
        self.assertGreater(len(lines), 1000)
        self.assertLess(len(lines), 20_000)
        self.assertEqual(lines[-1]["error"]["code"], "too-large")
        self.assertTrue(all("event" in line for line in lines[:-1]))
        self.assertIn("ok", other.ask('{"id":2,"do":"status"}'))


class Access(WithFake):
    def as_nobody(self, *words, groups=()):
        """As user nobody, in these groups, on a copy of relayctl that nobody may run."""
        copy = shutil.copy(RELAYCTL, self.folder)
        os.chmod(copy, 0o755)
        return subprocess.run([copy, "--control", self.path, *words], check=False, text=True,
                              capture_output=True, timeout=30, user=NOBODY, group=NOBODY,
                              extra_groups=list(groups))

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to become somebody else")
        super().setUp()

    def use_group(self, name):
        self.fake.stop()
        self.fake = Fake(self.path, name)

    def test_without_the_group_the_socket_is_for_its_owner_alone(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        done = self.as_nobody("status")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Permission denied", done.stderr)
        self.assertIn("sudo", done.stderr)

    def test_members_of_the_group_may(self):
        self.use_group("games")
        info = os.stat(self.path)
        self.assertEqual((stat.S_IMODE(info.st_mode), info.st_gid), (0o660, 60 if info.st_gid == 60 else -1))
        self.assertEqual(self.as_nobody("status", groups=[info.st_gid]).returncode, 0)
        self.assertEqual(self.as_nobody("status").returncode, 1)

    def test_others_are_refused_even_where_the_file_lets_them(self):
        self.use_group("games")
        os.chmod(self.path, 0o666)
        done = self.as_nobody("status")
        self.assertEqual(done.returncode, 1)
        self.assertIn("uid 65534 may not use relayd; root, uid 0 and the members of group games may",
                      done.stderr)
        self.assertEqual(self.ctl("status").returncode, 0)
        self.fake.stop()
        self.assertIn("uid 65534", self.fake.log)


class SocketFile(WithFake):
    def test_changes_are_logged_with_who_asked(self):
        self.ctl("home", "remove", "lab")
        self.ctl("forward", "remove", "1", expect=1)
        self.ctl("status")
        self.fake.stop()
        self.assertRegex(self.fake.log, r"homes\.remove by uid \d+, process \d+")
        self.assertRegex(self.fake.log, r"forwards\.remove by uid .*, refused: no forward listens on 1")
        self.assertNotIn("status", self.fake.log)

    def test_it_is_removed_at_the_end(self):
        self.fake.stop()
        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])
        done = self.ctl("status", expect=3)
        self.assertIn("is it running?", done.stderr)

    def test_a_stale_one_is_replaced(self):
        self.fake.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists(self.path))
        self.ctl("status", expect=3)
        self.fake = Fake(self.path)
        self.ctl("status")

    def test_another_daemons_is_left_alone(self):
        second = Fake(self.path)
        self.assertEqual(second.stop(), 1)
        self.assertIn("another relayd", second.log)
        self.ctl("status")

    def test_another_programs_socket_or_file_is_left_alone(self):
        path = self.folder + "/other.sock"
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            second = Fake(path)
            self.assertEqual(second.stop(), 1)
            self.assertIn("another program answers", second.log)
        os.unlink(path)
        pathlib.Path(path).write_text("precious", encoding="utf-8")
        second = Fake(path)
        self.assertEqual(second.stop(), 1)
        self.assertIn("not a socket", second.log)
        self.assertEqual(pathlib.Path(path).read_text(encoding="utf-8"), "precious")

    def test_a_path_that_no_socket_can_have_is_refused(self):
        second = Fake(self.folder + "/" + "x" * 200)
        self.assertEqual(second.stop(), 1)
        self.assertIn("must have 1 to 107 bytes", second.log)


if __name__ == "__main__":
    unittest.main(verbosity=1)
