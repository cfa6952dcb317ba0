#!/usr/bin/env python3
"""A home's network vanishes, and its sshd holds the port: relayctl stale shows it and ends it.

usage: stale_listener_test.py BUILD_FOLDER (logins|no-logins)
With login sessions a user may end his own.
"""

import json
import pathlib
import sys

from harness.processes import Scene, wait_for
from harness.ssh_homes import SshHomes, prepare
from systemd_service_test import install
from testhost import Host, Network, why_impossible

RELAY = """relay:
  listen: wss://0.0.0.0:8443
  homes:
    work-pc:
      key: {key}
      forwards:
        - listen: 127.0.0.1:3390
"""


def stale(homes, user="root", port=None):
    words = ["relayctl", "stale", "--json", *([str(port)] if port else [])]
    return json.loads(homes.as_user(user, *words).stdout)["stale"]


def go_stale(homes, port, at="gone"):
    """A session whose client will never be heard of again."""
    client = homes.dial(at, "tun", "-R", f"{port}:127.0.0.1:3389", remote=["sleep", "1000"])
    homes.wait_for_listener(port)
    homes.vanish(at, client)


def the_next_connection_has_no_port(homes, port):
    client = homes.dial("home", "tun", "-o", "ExitOnForwardFailure=yes", "-R", f"{port}:127.0.0.1:3389",
                        remote=["true"])
    assert client.wait(20) == 255
    assert "remote port forwarding failed for listen port" in client.text(), client.text()


def root_sees_all_of_it(homes, logind):
    found = [entry for entry in stale(homes) if entry["listen"] == "127.0.0.1:3389"]
    assert len(found) == 1, found
    holder, = found[0]["holders"]
    assert found[0]["user"] == holder["user"] == "tun", found
    assert holder["command"].startswith("sshd: tun"), holder
    assert holder["client"].startswith("10.78.0."), holder
    assert ("login" in holder) == logind, holder
    assert "alive" not in found[0] and not found[0]["probe"]["ok"], found
    assert found[0]["probe"]["verdict"] == "silent", found
    return found[0]


def a_dry_run_ends_nothing(homes):
    done = homes.host.run("relayctl", "stale", "kill", "3389", "--dry-run")
    assert "sshd: tun" in done.stderr, done
    assert homes.holders(3389)


def without_a_terminal_it_wants_to_be_told_yes(homes):
    done = homes.host.run("relayctl", "stale", "kill", "3389", check=False)
    assert done.returncode == 1 and "--yes" in done.stderr, done
    assert homes.holders(3389)


def its_user_ends_it(homes, logind):
    """With login sessions; else only root can know which sshd it is."""
    done = homes.as_user("tun", "relayctl", "stale", "kill", "3389", "--yes", check=False)
    assert (done.returncode == 0) == logind, done
    if not logind:
        assert "only root can see more" in done.stderr, done
        homes.host.run("relayctl", "stale", "kill", "3389", "--yes")
    homes.wait_for_no_listener(3389)


def on_a_terminal_it_asks(homes):
    done = homes.host.run("sh", "-c", "echo n | script -qec 'relayctl stale kill 3389' /dev/null", check=False)
    assert "end it? [y/N]" in done.stdout and "nothing was ended" in done.stdout, done
    assert homes.holders(3389)


def its_user_sees_what_he_may(homes, logind):
    found = [entry for entry in stale(homes, "tun", 3389) if entry["listen"] == "127.0.0.1:3389"][0]
    if logind:
        assert found["holders"][0]["command"].startswith("sshd: tun"), found
    else:
        assert not found["holders"] and "only root can see more" in found["unseen"], found
    found = stale(homes, "other", 3389)[0]
    assert not found["holders"] and "another user" in found["unseen"], found


def another_user_cannot(homes):
    done = homes.as_user("other", "relayctl", "stale", "kill", "3389", "--yes", "--force", check=False)
    assert done.returncode == 1 and "another user" in done.stderr, done
    assert homes.holders(3389)


def a_session_that_serves_is_refused(homes):
    client = homes.dial("home", "tun", "-R", "3389:127.0.0.1:3389", remote=["sleep", "1000"])
    homes.wait_for_listener(3389)
    for user in ("root", "tun"):
        done = homes.as_user(user, "relayctl", "stale", "kill", "127.0.0.1:3389", "--yes", check=False)
        assert done.returncode == 1, done
        assert "is not stale" in done.stderr or "only root can see more" in done.stderr, done
    assert client.running()
    done = homes.host.run("relayctl", "--json", "stale", "kill", "3389", "--yes", "--force")
    result = json.loads(done.stdout)
    assert result["ended"] and result["free"], result
    assert client.wait(20) == 255


def the_ssh_server_is_refused(homes):
    done = homes.host.run("relayctl", "stale", "kill", "22", "--yes", check=False)
    assert done.returncode == 1 and "the ssh server's own port" in done.stderr, done


def a_forward_has_its_port_at_once(homes, network):
    """relayd wants a port that a stale session holds."""
    host = homes.host
    wanted = [entry for entry in stale(homes) if entry["listen"] == "127.0.0.1:3390"]
    assert wanted[0]["wanted_by"] == "forward of work-pc", wanted
    host.run("relayctl", "stale", "kill", "3390", "--yes")
    wait_for("relayd to listen", lambda: '"relayd"' in homes.holders(3390), 5)
    done = host.run("relayctl", "stale", "kill", "3390", "--yes", check=False)
    assert done.returncode == 1 and "relayd itself listens there" in done.stderr, done


def run(build, scene, network, host, logind):
    install(build, host.layer)
    prepare(host, logind)
    homes = SshHomes(scene, network, host)
    host.write("/etc/relayd/relayd.yaml", RELAY.format(key=homes.key.with_suffix(".pub").read_text().strip()))
    host.boot()
    host.run("systemd-sysusers")
    for user in ("tun", "other"):
        homes.add_user(user)
    homes.desktop("home", 3389)
    a_session_that_serves_is_refused(homes)
    scene.fact("a session that serves is ended only by force")
    the_ssh_server_is_refused(homes)
    scene.fact("the ssh server's own port is refused")
    go_stale(homes, 3389, "gone")
    the_next_connection_has_no_port(homes, 3389)
    scene.fact("a home vanishes, and its sshd holds the port")
    root_sees_all_of_it(homes, logind)
    print(host.run("relayctl", "stale").stdout)
    scene.fact("root sees who holds it, since when, for whom, and that nothing answers")
    a_dry_run_ends_nothing(homes)
    without_a_terminal_it_wants_to_be_told_yes(homes)
    on_a_terminal_it_asks(homes)
    its_user_sees_what_he_may(homes, logind)
    another_user_cannot(homes)
    scene.fact("nothing is ended by a dry run, without an answer, or by another user")
    its_user_ends_it(homes, logind)
    scene.fact("its user ends it" if logind else "without login sessions only root can end it")
    go_stale(homes, 3390, "lost")
    host.run("systemctl", "start", "relayd")
    a_forward_has_its_port_at_once(homes, network)
    scene.fact("a forward of relayd has its port as soon as it is free")


def main():
    reason = why_impossible()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    build = pathlib.Path(sys.argv[1]).resolve()
    with Scene() as scene, Network("vps", "home", "gone", "lost") as network, \
            Host("vps", network) as host:
        run(build, scene, network, host, sys.argv[2] == "logins")


if __name__ == "__main__":
    main()
