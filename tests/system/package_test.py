#!/usr/bin/env python3
"""The Debian package: built, judged by lintian, and on booted machines installed, set up, used, upgraded
under a busy stream, removed and purged.

usage: package_test.py BUILD_FOLDER
The package is made of what lies in the build folder, by debian/rules.
"""

import glob
import os
import pathlib
import shutil
import subprocess
import sys

from harness.clients import connect
from harness.endless import Crowd
from harness.netns import on_host
from harness.processes import Scene, run
from harness.targets import Service, Target, echo
from service_restart_test import ENOUGH_BYTES, Gaps, Pinger, place, property_of
from testhost import Host, Network, wait_for, why_impossible

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CONTENTS = """
    lib/systemd/system/relayd.service lib/systemd/system/relayd.socket
    lib/systemd/system/relayd-gate.service lib/systemd/system/relayd-hooks.service
    lib/systemd/system/relayd-hooks.socket usr/bin/relayctl usr/sbin/relayd usr/sbin/relayd-gate usr/sbin/relayd-hooks
    usr/lib/systemd/catalog/relayd.catalog usr/lib/sysusers.d/relayd.conf usr/lib/tmpfiles.d/relayd.conf
    usr/share/bash-completion/completions/relayctl
    usr/share/bash-completion/completions/relayd usr/share/fish/vendor_completions.d/relayctl.fish
    usr/share/zsh/vendor-completions/_relayctl
    usr/share/dbus-1/system.d/org.relayd.Relay1.conf usr/share/doc/relayd/README.Debian usr/share/doc/relayd/copyright usr/share/doc/relayd/examples/relayd.relay.yaml
    usr/share/man/man1/relayctl.1.gz usr/share/man/man5/relayd.yaml.5.gz usr/share/man/man8/relayd.8.gz
    usr/share/man/man8/relayd-gate.8.gz usr/share/man/man8/relayd-hooks.8.gz
""".split()
HOME_CONNECTED = "41c16bf9f8614369a98af73aaac222c2"  # daemon/log/message_ids.h
# Every file with its owner and mode, and what is in those of /etc. Not what dpkg, apt and their like
# keep for themselves, nor logs, nor what lies in /etc as a backup of useradd's.
SNAPSHOT = r"""
cd /
find etc usr var home opt srv run/relayd -xdev \( -path var/lib/dpkg -o -path var/lib/apt \
    -o -path var/lib/PackageKit -o -path var/cache -o -path var/log -o -path var/tmp -o -path usr/local \
    -o -path 'etc/*-' -o -path etc/.pwd.lock \) -prune \
    -o -printf '%y %m %u:%g %p %l\n' 2> /dev/null | sort
find etc -type f ! -name '*-' -exec md5sum {} + 2> /dev/null | sort
journalctl --list-catalog 2> /dev/null
"""


def build_package(scene, build):
    """From a copy of the sources, as they are here."""
    copy = scene.path("source", "relayd")
    shutil.copytree(SOURCE, copy, symlinks=True,
                    ignore=shutil.ignore_patterns(".git", "build*", "tests", "bench", "__pycache__"))
    run("dpkg-buildpackage", "-us", "-uc", "-b", "-d", cwd=copy, seconds=300, env={
        **os.environ, "RELAYD_BUILD": str(build), "DEB_BUILD_OPTIONS": "nocheck noautodbgsym"})
    return pathlib.Path(glob.glob(f"{copy.parent}/relayd_*.deb")[0])


def it_is_clean(file):
    run("lintian", "--allow-root", "--fail-on", "error,warning", file, seconds=200)
    packed = run("dpkg-deb", "--contents", file).stdout
    missing = [name for name in CONTENTS if f" ./{name}\n" not in packed]
    assert not missing, (missing, packed)


def next_version(scene, file):
    """The same package under a higher version, with another build of relayd."""
    root = scene.path("next", "x").parent
    run("dpkg-deb", "--raw-extract", file, root)
    control = root / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: ", "Version: 99."))
    with open(root / "usr/sbin/relayd", "ab") as program:
        program.write(b"another build")
    newer = scene.path("relayd_99_all.deb")
    run("dpkg-deb", "--build", "--root-owner-group", "-Znone", root, newer)
    return newer


def apt(host, *words):
    return host.run("apt-get", "--yes", *words, timeout=120)


def install(host, file):
    apt(host, "install", str(place(host, file)))


def snapshot(host):
    return set(host.run("sh", "-c", SNAPSHOT, timeout=120).stdout.splitlines())


def state_of(host, unit):
    return host.run("systemctl", "is-active", unit, check=False).stdout.strip()


def a_fresh_install_waits_for_settings(host):
    assert host.run("systemctl", "is-enabled", "relayd.service").stdout.strip() == "enabled"
    assert host.run("systemctl", "is-enabled", "relayd.socket", check=False).stdout.strip() == "disabled"
    for unit in ("relayd.service", "relayd.socket"):
        assert state_of(host, unit) == "inactive", unit
    assert property_of(host, "ConditionResult") == "no"
    assert host.run("systemctl", "is-system-running").stdout.strip() == "running"
    host.run("id", "relayd")
    assert "Home @RELAYD_HOME@ connected" in host.run("journalctl", "--dump-catalog", HOME_CONNECTED).stdout


def shells_find_their_completion(host):
    listed = host.run("fish", "-c", "complete -C 'relayctl forward '").stdout
    assert "remove" in listed, listed
    known = host.run("zsh", "-fc", "autoload -Uz compinit; compinit -u -D; print $_comps[relayctl]").stdout
    assert known == "_relayctl\n", known
    loaded = host.run("bash", "-c", "source /usr/share/bash-completion/completions/relayctl; complete").stdout
    assert "complete -F _relayctl relayctl" in loaded, loaded


def set_up(relay, home):
    """As the README says."""
    relay.write_now("/etc/relayd/relayd.yaml", b"relay:\n  listen: [ \"wss://0.0.0.0:443\" ]\n"
                    b"  public: wss://10.78.0.1\n  probe-interval: 0s\n")
    relay.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
    invited = relay.run("relayctl", "invite", "work-pc").stdout.split()
    assert invited[:2] == ["relayd", "join"], invited
    home.run(*invited, "--yes")
    home.run("relayctl", "allow", "127.0.0.1:*")
    for host in (relay, home):
        wait_for(f"the {host.name}'s name on the bus", lambda at=host: at.run(
            "busctl", "status", "org.relayd.Relay1", check=False).returncode == 0)
    wait_for("the session", lambda: '"attached"' in relay.run("relayctl", "--json", "sessions").stdout)


def upgrade(host, file):
    before = property_of(host, "MainPID")
    install(host, file)
    assert property_of(host, "MainPID") not in (before, "0")
    tail = host.run("tail", "-c", "13", f"/proc/{property_of(host, 'MainPID')}/exe")
    assert tail.stdout == "another build", tail


def streams_outlive_the_upgrade(scene, network, machines, newer):
    relay, home = machines
    crowd = Crowd(4)
    with on_host(network, "home"):
        busy, quiet = Target(scene, crowd.serve), Service(scene, echo)
    for target in (busy, quiet):
        relay.run("relayctl", "forward", "add", str(target.port), "--home", "work-pc", "--to",
                  f"127.0.0.1:{target.port}", "--probe", "none")
    crowd.come(busy.port, lambda: on_host(network, "relay"))
    with on_host(network, "relay"):
        gaps = Gaps(crowd, Pinger(connect(quiet.port, 60)))
    wait_for("busy visitors", lambda: crowd.moved() > ENOUGH_BYTES)
    for host in (relay, home):
        gaps.during(f"apt-get install at the {host.name}", lambda: upgrade(host, newer))
    gaps.show()
    moved = crowd.leave()
    assert sorted(tuple(reversed(busy.result())) for _ in moved) == moved
    scene.fact(f"upgrades of relay and home: {sum(map(sum, moved)) >> 20} MB, no byte lost")


def removed_it_keeps_the_settings(host):
    apt(host, "remove", "relayd")
    for unit in ("relayd.service", "relayd.socket"):
        assert state_of(host, unit) in ("inactive", "unknown"), unit
    host.run("test", "-s", "/etc/relayd/relayd.yaml")
    host.run("test", "-s", "/var/lib/relayd/id_ed25519")
    host.run("test", "!", "-e", "/usr/sbin/relayd")


def purged_it_leaves_nothing(host, before):
    apt(host, "purge", "relayd")
    after = snapshot(host)
    assert after == before, "\n".join(sorted(after ^ before))
    assert host.run("id", "relayd", check=False).returncode != 0


def steps(scene, network, relay, home, file):
    before = {}
    for host in (relay, home):
        before[host.name] = snapshot(host)
        install(host, file)
        a_fresh_install_waits_for_settings(host)
    scene.fact("installed, it is enabled, and waits for settings")
    shells_find_their_completion(relay)
    scene.fact("bash, zsh and fish find what completes relayctl")
    set_up(relay, home)
    scene.fact("set up as the README says")
    streams_outlive_the_upgrade(scene, network, (relay, home), next_version(scene, file))
    for host in (relay, home):
        removed_it_keeps_the_settings(host)
        if host is home:
            install(host, file)  # Back again, with the settings and the key it had.
            wait_for("its return", lambda: state_of(home, "relayd") == "active")
        purged_it_leaves_nothing(host, before[host.name])
    scene.fact("removed it keeps settings and key, purged it leaves nothing")


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    with Scene() as scene:
        file = build_package(scene, pathlib.Path(sys.argv[1]).resolve())
        it_is_clean(file)
        scene.fact(f"{file.name} is built, and lintian finds no fault in it")
        with Network("relay", "home") as network, Host("relay", network) as relay, \
                Host("home", network) as home:
            for host in (relay, home):
                host.write("/etc/systemd/system/relayd.service.d/test.conf",
                           "[Service]\nLimitNOFILE=20000\n")
                # Images of containers forbid packages to start services.
                host.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n", 0o755)
                host.boot()
            try:
                steps(scene, network, relay, home, file)
            except BaseException:
                for host in (relay, home):
                    print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout[-9000:])
                raise


if __name__ == "__main__":
    main()
