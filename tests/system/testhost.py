"""Throw-away machines with a real systemd, for tests: booted in less than a second, gone at the end.

A host is a systemd-nspawn container over an overlay of this machine's own root, so it has the same
programs and libraries. Over the root goes a *layer*, a folder that the test fills before the boot
(`DESTDIR` of an installation, settings, units); what is written goes to a tmpfs. The overlay lives in
a mount namespace of its own, and each host in a control group of its own: both end with its last
process, and nothing is ever ended by name.

    with Network("relay", "home") as network, Host("relay", network) as host:
        host.write("/etc/relayd/relayd.yaml", "relay: …")
        host.boot()
        host.run("systemctl", "enable", "--now", "relayd")

Needs root, systemd-nspawn, and cgroup v2 mounted somewhere (also beside v1).
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import uuid

CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8", "HOME": "/root", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0",
}
# Of what the base system starts at boot, this would wait for hardware, or do work for later boots.
MASKED = """
    systemd-binfmt.service systemd-boot-system-token.service systemd-firstboot.service
    systemd-hwdb-update.service systemd-journal-catalog-update.service systemd-journal-flush.service
    systemd-machine-id-commit.service systemd-modules-load.service systemd-pcrphase-sysinit.service
    systemd-random-seed.service systemd-remount-fs.service systemd-repart.service
    systemd-sysctl.service systemd-sysusers.service systemd-udev-trigger.service
    systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket
    systemd-update-done.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
    systemd-initctl.socket kmod-static-nodes.service ldconfig.service
    dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount
    sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount
    sys-kernel-tracing.mount systemd-ask-password-console.path systemd-ask-password-wall.path
    systemd-tmpfiles-clean.timer cryptsetup.target integritysetup.target veritysetup.target
    remote-fs.target swap.target
""".split()

# The first process of a host: joins its control group, mounts its root, and becomes nspawn.
BOOT_SCRIPT = """
set -e
echo $$ > "$1/cgroup.procs"
mount -t tmpfs -o mode=755 tmpfs "$2/mnt"
mkdir "$2/mnt/upper" "$2/mnt/work" "$2/mnt/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/mnt/upper,workdir=$2/mnt/work" "$2/mnt/root"
cp -a --remove-destination "$2/layer/." "$2/mnt/root"
stat -c %d:%i "$2/mnt/root" > "$2/inode"
touch -r /usr "$2/mnt/root/etc/.updated" "$2/mnt/root/var/.updated"
shift 2
exec systemd-nspawn "$@"
"""


def why_impossible():
    """Why this machine cannot have hosts; None if it can."""
    if os.geteuid() != 0:
        return "not root"
    if not cgroup_root():
        return "cgroup v2 is not mounted"
    probe = subprocess.run(["unshare", "--mount", "--net", "true"], check=False, capture_output=True)
    return None if probe.returncode == 0 else "may not make namespaces"


def cgroup_root():
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == "cgroup2" and os.access(fields[1], os.W_OK):
                return pathlib.Path(fields[1])
    return None


def wait_for(what, is_true, seconds=20):
    """Returns what `is_true` found, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := is_true()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)
    return found


class Network:
    """Network namespaces on one bridge: the first name is 10.78.0.1, the next 10.78.0.2, …"""

    def __init__(self, *names):
        tag = f"{os.getpid() % 0xffff:04x}"
        self.addresses = {name: f"10.78.0.{i}" for i, name in enumerate(names, 1)}
        self.namespaces = {name: f"rt{tag}-{name}" for name in names}
        self._switch = f"rt{tag}-switch"
        self._made = []

    def __enter__(self):
        try:
            self._make(self._switch)
            self._ip("-n", self._switch, "link", "add", "bridge0", "up", "type", "bridge")
            for number, (name, space) in enumerate(self.namespaces.items(), 1):
                self._make(space)
                self._ip("link", "add", f"port{number}", "netns", self._switch, "type", "veth",
                         "peer", "name", "eth0", "netns", space)
                self._ip("-n", self._switch, "link", "set", f"port{number}", "master", "bridge0", "up")
                self._ip("-n", space, "link", "set", "lo", "up")
                self._ip("-n", space, "addr", "add", f"{self.addresses[name]}/24", "dev", "eth0")
                self._ip("-n", space, "link", "set", "eth0", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for space in self._made:
            subprocess.run(["ip", "netns", "delete", space], check=False)
        self._made = []

    def inside(self, name, *command):
        """The command line that runs `command` in the namespace `name`."""
        return ["ip", "netns", "exec", self.namespaces[name], *command]

    def _make(self, space):
        self._ip("netns", "add", space)
        self._made.append(space)

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *arguments], check=True)


class Host:
    def __init__(self, name, network):
        self.name = name
        self._machine = f"relayd-test-{os.getpid()}-{name}"
        self._namespace = network.namespaces[name]
        self._nspawn = self._leader = None

    def __enter__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self._machine}."))
        self.layer = self._folder / "layer"
        self.layer.mkdir()
        self.layer.chmod(0o755)
        (self._folder / "mnt").mkdir()
        self._cgroup = cgroup_root() / self._machine
        self._cgroup.mkdir()
        self._describe()
        return self

    def __exit__(self, *_):
        if (self._cgroup / "cgroup.kill").exists():
            (self._cgroup / "cgroup.kill").write_text("1")
        if self._nspawn:
            self._nspawn.wait(timeout=20)
        wait_for(f"the end of {self.name}",
                 lambda: "populated 0" in (self._cgroup / "cgroup.events").read_text())
        self._remove_cgroups()
        self._remove_leftovers()
        shutil.rmtree(self._folder)

    def write(self, path, text, mode=0o644):
        """A file of the host, before its boot."""
        file = self.layer / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)

    def unmask(self, *units):
        """Units that this machine has and hosts do not start, before the boot."""
        for unit in units:
            (self.layer / "etc/systemd/system" / unit).unlink(missing_ok=True)

    def boot(self):
        arguments = [
            "--quiet", "--keep-unit", "--register=no", "--console=pipe", f"--machine={self._machine}",
            f"--hostname={self.name}", f"--directory={self._folder}/mnt/root",
            f"--network-namespace-path=/run/netns/{self._namespace}", "--capability=CAP_NET_ADMIN",
            "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--boot",
            "systemd.log_target=journal",
        ]
        with open(self._folder / "console.log", "wb") as console:
            self._nspawn = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", BOOT_SCRIPT, "sh",
                 self._cgroup, self._folder, *arguments],
                env={**CLEAN_ENVIRONMENT, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True)
        wait_for(f"the boot of {self.name}", self._find_leader)
        state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
        if state != "running":
            raise RuntimeError(f"{self.name} is {state}: " + self.run("systemctl", "--failed").stdout)

    def inside(self, *command):
        """The command line that runs `command` in the running host."""
        return ["nsenter", "-t", str(self._leader), "-a", *command]

    def run(self, *command, check=True, timeout=60):
        """Runs a command inside; its output as text. It has all capabilities, unlike a service."""
        done = subprocess.run(
            self.inside(*command), env=CLEAN_ENVIRONMENT, text=True,
            check=False, timeout=timeout, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def path(self, path):
        """Where a file of the running host is found from outside."""
        return pathlib.Path(f"/proc/{self._leader}/root{path}")

    def write_now(self, path, content):
        """Bytes of a file of the host, while it runs."""
        self.path(path).write_bytes(content)

    def read(self, path):
        return self.path(path).read_text(encoding="utf-8")

    def _describe(self):
        """What makes the layer a machine of its own, with nothing to start but the basic system."""
        self.write("/etc/machine-id", uuid.uuid4().hex + "\n")
        self.write("/etc/hostname", self.name + "\n")
        self.write("/etc/fstab", "")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {self.name}\n")
        self.write("/etc/systemd/journald.conf.d/test.conf",
                   "[Journal]\nStorage=volatile\nRateLimitBurst=0\nForwardToSyslog=no\nAudit=no\n")
        self.write("/etc/systemd/system.conf.d/test.conf", "[Manager]\nDefaultTimeoutStopSec=8s\n")
        self.write("/etc/systemd/system/test.target",
                   "[Unit]\nRequires=basic.target\nAfter=basic.target\nWants=multi-user.target\n")
        units = self.layer / "etc/systemd/system"
        units.joinpath("default.target").symlink_to("test.target")
        # Whatever this machine has enabled (web servers, databases…) does not start in a host.
        enabled = {entry.name for wants in pathlib.Path("/etc/systemd/system").glob("*.wants")
                   for entry in wants.iterdir()}
        wanted = {entry.name for target in ("multi-user", "timers", "getty")
                  for entry in pathlib.Path("/lib/systemd/system").glob(f"{target}.target.wants/*")}
        for unit in {*MASKED, *enabled, *wanted} - {"dbus.socket", "dbus.service", "relayd.service",
                                                     "relayd.socket"}:
            units.joinpath(unit).symlink_to("/dev/null")

    def _find_leader(self):
        if self._nspawn.poll() is not None:
            raise RuntimeError(f"{self.name} did not start: "
                               + (self._folder / "console.log").read_text(errors="replace"))
        children = pathlib.Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        for child in children.read_text().split():
            process = pathlib.Path("/proc") / child
            try:
                if (process / "comm").read_text() == "systemd\n" and \
                        (process / "root/run/systemd/private").exists():
                    self._leader = int(child)
                    return True
            except OSError:
                pass  # It is being born.
        return False

    def _remove_cgroups(self):
        """Depth first; on a machine with v1 beside v2, nspawn has mirrored the top of ours there."""
        for top in (self._cgroup, pathlib.Path("/sys/fs/cgroup/systemd") / self._machine):
            for folder, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass

    def _remove_leftovers(self):
        """What nspawn leaves on this machine when it is killed."""
        shutil.rmtree(f"/run/systemd/nspawn/propagate/{self._machine}", ignore_errors=True)
        inode = self._folder / "inode"
        if inode.exists():
            lock = pathlib.Path(f"/run/systemd/nspawn/locks/inode-{inode.read_text().strip()}")
            lock.unlink(missing_ok=True)
