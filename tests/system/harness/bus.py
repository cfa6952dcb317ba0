"""A message bus of the test's own, and busctl to ask and to listen."""

import json

from harness.processes import run, wait_for

NAME = "org.relayd.Relay1"
PATH = "/org/relayd/Relay1"
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


def plain(value):
    """What busctl's JSON says, without its types."""
    if isinstance(value, dict):
        if set(value) == {"type", "data"}:
            return plain(value["data"])
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def dict_arguments(values):
    """An a{sv} of text, numbers, truths and lists of text, as busctl wants it."""
    words = [str(len(values))]
    for name, value in values.items():
        if isinstance(value, bool):
            words += [name, "b", str(value).lower()]
        elif isinstance(value, int):
            words += [name, "t", str(value)]
        elif isinstance(value, list):
            words += [name, "as", str(len(value)), *value]
        else:
            words += [name, "s", value]
    return words


class Asking:
    """busctl; `run_it` runs a command and returns what subprocess.run() would."""

    def __init__(self, run_it, *options):
        self._run, self._options = run_it, options

    def busctl(self, *words, check=True, before=()):
        return self._run(*before, "busctl", *self._options, "--json=short", *words, check=check)

    def call(self, method, values=None, **options):
        arguments = [] if values is None else ["a{sv}", *dict_arguments(values)]
        return self.busctl("call", NAME, PATH, NAME, method, *arguments, **options)

    def ask(self, method, values=None):
        return plain(json.loads(self.call(method, values).stdout)["data"][0])

    def property(self, name):
        return json.loads(self.busctl("get-property", NAME, PATH, NAME, name).stdout)["data"]

    def is_there(self):
        return self.busctl("status", NAME, check=False).returncode == 0


def signals_in(text):
    """(name, arguments) of each signal of relayd that `busctl monitor --json=short` printed."""
    found = []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        message = json.loads(line)
        if message.get("interface") == NAME and message.get("type") == "signal":
            found.append((message["member"], plain(message["payload"]["data"])))
    return found


class PrivateBus(Asking):
    def __init__(self, scene):
        self._scene = scene
        self.socket = scene.path("bus", "socket")
        self.address = f"unix:path={self.socket}"
        self._configuration = scene.path("bus", "bus.conf")
        self._configuration.write_text(CONFIGURATION.format(socket=self.socket))
        self._configuration.parent.chmod(0o755)
        self.process = None
        super().__init__(run, f"--address={self.address}")

    def environment(self):
        """What starts a program that takes this bus for the system's."""
        return ("env", f"DBUS_SYSTEM_BUS_ADDRESS={self.address}")

    def start(self):
        self.process = self._scene.start("dbus-daemon", "dbus-daemon", "--nofork",
                                         f"--config-file={self._configuration}")
        wait_for("the bus", lambda: self.busctl("list", check=False).returncode == 0)

    def connections(self):
        return self.busctl("list", "--unique", "--no-legend").stdout.count('"name"')

    def kill(self):
        self.process.kill()
        self.socket.unlink(missing_ok=True)

    def monitor(self):
        """A process whose text signals_in() understands; it listens already."""
        process = self._scene.start("monitor", "busctl", f"--address={self.address}", "--json=short",
                                    "monitor", NAME)
        wait_for("the monitor", lambda: "Monitoring" in process.text())
        return process
