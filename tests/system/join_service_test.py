#!/usr/bin/env python3
"""Two booted machines: one line from the relay makes a service of the other, which stays after boot.

usage: join_service_test.py BUILD_FOLDER
"""

import pathlib
import sys
import tempfile

from systemd_service_test import ECHO_ONCE, install, property_of, running_target
from testhost import Host, Network, wait_for, why_impossible


def join(relay, home, network):
    relay.run("systemctl", "enable", "--now", "relayd.socket", "relayd")
    invited = relay.run("relayctl", "invite", "work-pc", "--forward", "3389").stdout.split()
    assert invited[:3] == ["relayd", "join", f"wss://{network.addresses['relay']}:443"], invited
    done = home.run(*invited, "--yes", check=False)
    print(done.stdout + done.stderr)
    assert done.returncode == 0
    return invited


def the_service_runs_with_its_own_key(home):
    assert property_of(home, "ActiveState") == "active"
    assert home.run("systemctl", "is-enabled", "relayd").stdout.strip() == "enabled"
    shown = home.run("stat", "-c", "%U %G %a", "/etc/relayd/relayd.yaml", "/var/lib/relayd",
                     "/var/lib/relayd/id_ed25519").stdout.splitlines()
    assert shown == ["root relayd 640", "relayd relayd 700", "relayd relayd 600"], shown


def a_visitor_reaches_the_target(relay):
    wait_for("the home's session", lambda: "work-pc" in relay.run("relayctl", "sessions").stdout)
    assert relay.run("python3", "-c", ECHO_ONCE).stdout == "is anybody home?\n"


def joining_again_changes_nothing(home, invited):
    before = property_of(home, "MainPID")
    home.run(*invited, "--yes")
    assert property_of(home, "MainPID") == before


def a_removed_home_says_so(relay, home):
    relay.run("relayctl", "home", "remove", "work-pc")
    wait_for("the home to say so",
             lambda: "has removed this home" in home.run("relayctl", "status").stdout)
    done = relay.run("python3", "-c", ECHO_ONCE, check=False)
    assert "ConnectionRefusedError" in done.stderr, done


def an_invitation_lets_it_in_again_at_once(relay, home):
    invited = relay.run("relayctl", "invite", "work-pc", "--forward", "3389").stdout.split()
    before = property_of(home, "MainPID")
    home.run(*invited, "--yes")
    assert property_of(home, "MainPID") == before
    a_visitor_reaches_the_target(relay)


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="relayd-test.") as name, \
            Network("relay", "home") as network, \
            Host("relay", network) as relay, Host("home", network) as home:
        for host in (relay, home):
            install(build, host.layer)
        relay.write("/etc/relayd/relayd.yaml", "relay:\n  listen: wss://0.0.0.0:443\n"
                    f"  public: wss://{network.addresses['relay']}\n")
        for host in (relay, home):
            host.boot()
            host.run("systemd-sysusers")
        try:
            with running_target(network, pathlib.Path(name)):
                invited = join(relay, home, network)
                the_service_runs_with_its_own_key(home)
                a_visitor_reaches_the_target(relay)
                joining_again_changes_nothing(home, invited)
                a_removed_home_says_so(relay, home)
                an_invitation_lets_it_in_again_at_once(relay, home)
        except BaseException:
            for host in (relay, home):
                print(host.run("journalctl", "-b", "-u", "relayd", "-o", "short-precise").stdout)
            raise


if __name__ == "__main__":
    main()
