#!/usr/bin/env python3
"""Gates: closed to all but those who have knocked, by the kernel alone.

Nothing is judged by how long it takes: gates that must be seen open stay so for an hour, and those
that must be seen to close are knocked at until they have been passed.
"""

import random
import signal
import socket
import struct

from harness.gates import LONG, Gatehouse, add_ipv6, echo_on, is_alive
from harness.netns import on_host
from harness.processes import Scene, run
from testhost import Network, wait_for

HOSTS = ("vps", "alice", "bob", "carol", "dave", "scanner", "trusted", "flood", "slow")
RIGHT = ("10003:tcp", "10001:tcp", "10007:tcp")
OURS = ("10003/tcp", "10001", "10007/tcp")
SETTINGS = """
relay: {{ listen: "ws://127.0.0.1:9" }}
gates:
  quiet: {{ ports: 7001, sequence: [10003, 10001, 10007], within: 60s, open-for: 1h, always: [{trusted}],
           close-sequence: [10107, 10101, 10103] }}
  silent: {{ ports: 7002/tcp, closed: drop, sequence: [11003/udp, 11001/tcp, 11005/udp], within: 60s, open-for: 1h }}
  brief: {{ ports: 7003, sequence: [12003, 12001, 12007], within: 60s, open-for: 2s }}
  hasty: {{ ports: 7004, sequence: [13003, 13001, 13007], within: 1s, open-for: 1h }}
  scanned: {{ ports: 7005, sequence: [14001, 14002, 14003], within: 10m, open-for: 1h, allow-ascending: true }}
  shuffled: {{ ports: 7006, sequence: [14103, 14101, 14107], within: 10m, open-for: 1h }}
  four: {{ ports: 7007, sequence: [15003, 15001, 15007, 15005], within: 60s, open-for: 1h }}
  words: {{ ports: 7008/udp, sequence: [16003, 16001, 16007], within: 60s, open-for: 1h }}
  plain: {{ ports: 7009 }}
"""
PORTS = (7001, 7002, 7003, 7004, 7005, 7006, 7007, 7009, 7011)
OTHERS = "table inet others { chain input { type filter hook input priority 5; policy accept; tcp dport 9999 drop; }; }"


def closed_until_knocked(house):
    assert house.sees("alice", 7001) == "closed" == house.sees("alice", 7100), "as an unused port"
    assert house.sees("alice", 7002) == "filtered"
    assert not house.is_let_in("alice", 7001)
    house.scene.fact("nmap sees a closed port, or with closed: drop nothing at all")
    assert house.is_let_in("trusted", 7001)
    house.scene.fact("an address under always: need not knock")
    house.knock("alice", *RIGHT)
    assert house.sees("alice", 7001) == "open" and house.is_let_in("alice", 7001)
    house.scene.fact("the stock knock client opens it")
    assert house.sees("bob", 7001) == "closed" and not house.is_let_in("bob", 7001)
    house.scene.fact("for the knocker's address only")
    house.knock_ours("bob", *OURS)
    assert house.is_let_in("bob", 7001)
    house.scene.fact("relayctl knock opens it, too")
    wait_for("the line of the log", lambda: house.log_has(
        rf"gate quiet is open for {house.network.addresses['alice']}, by its sequence"), LONG)
    assert house.who("quiet") == {house.network.addresses[name] for name in ("alice", "bob")}
    house.scene.fact("relayd-gate's log and relayctl gates know who it was")
    house.knock("alice", "10107", "10101", "10103")
    assert not house.is_let_in("alice", 7001) and house.is_let_in("bob", 7001)
    house.scene.fact("the close-sequence closes it, for who knocks it")


def knocks_that_are_wrong(house):
    for steps in (("10001", "10003", "10007"), ("10003", "10007", "10001"), ("10003", "10001"),
                  ("10003", "10002", "10001", "10007"), ("10003:udp", "10001:udp", "10007:udp")):
        house.knock("carol", *steps)
        assert not house.is_let_in("carol", 7001), steps
    house.scene.fact("a wrong order, a missing or an additional knock or the wrong transport opens nothing")
    house.knock("carol", "10003", "10003", "10001", "10001", "10007")
    assert house.is_let_in("carol", 7001)
    house.scene.fact("a SYN that comes twice is no wrong knock")
    house.knock("slow", "13003", "13001")
    wait_for("the time to be over", lambda: house.is_empty("gate-hasty.knock-began-4"), LONG)
    house.knock("slow", "13007")
    assert not house.is_let_in("slow", 7004)
    house.scene.fact("whoever is too slow knocks for nothing")


def udp_and_ipv6(house, addresses):
    house.knock("alice", "11003:udp", "11001:tcp", "11005:udp")
    assert house.sees("alice", 7002) == "open" and house.sees("bob", 7002) == "filtered"
    house.scene.fact("a sequence may have steps of UDP")
    assert not house.is_let_in("dave", 7001, addresses["vps"])
    house.knock_ours("dave", *OURS, address=addresses["vps"])
    assert house.is_let_in("dave", 7001, addresses["vps"])
    assert not house.is_let_in("dave", 7001) and house.who("quiet") >= {addresses["dave"]}
    house.scene.fact("by IPv6 as by IPv4, each for itself")
    with on_host(house.network, "vps"):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("0.0.0.0", 7008))
    with on_host(house.network, "alice"):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect((house.address, 7008))
    client.settimeout(LONG)
    client.send(b"early")
    try:
        client.recv(1)
        raise AssertionError("an answer")
    except ConnectionRefusedError:
        pass
    house.knock("alice", "16003", "16001", "16007")
    client.send(b"late")
    server.settimeout(LONG)
    assert server.recv(100) == b"late"
    house.scene.fact("a port of UDP is refused as an unused one, and opened")


def it_closes_by_itself(house):
    def passed():
        house.knock("alice", "12003", "12001", "12007")
        return house.connect("alice", 7003)
    with wait_for("the brief gate to be passed", passed, LONG) as connection:
        assert is_alive(connection)
        wait_for("it to close", lambda: not house.who("brief"), LONG)
        assert house.sees("alice", 7003) == "closed" and not house.is_let_in("alice", 7003)
        assert is_alive(connection)
    house.scene.fact("after open-for it is closed again, and the connection goes on")


def scans(house):
    house.scan("scanner", "13990-14120")
    assert house.is_let_in("scanner", 7005)
    assert not house.is_let_in("scanner", 7006)
    house.scene.fact("an ascending scan opens an ascending sequence, and no other")
    shown = house.relayctl("gates").stdout
    assert "(a scan opens it)" in shown, shown


def syn(source, target, port):
    """A whole packet of IPv4."""
    source, target = socket.inet_aton(source), socket.inet_aton(target)
    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), port, random.getrandbits(32), 0, 0x50, 2,
                      64240, 0, 0)
    pseudo = source + target + struct.pack("!BBH", 0, 6, len(tcp)) + tcp
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    total = (total & 0xffff) + (total >> 16)
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source, target) + tcp


def floods(house):
    with on_host(house.network, "flood"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    own = house.network.addresses["flood"]
    for number in range(20000):
        spoofed = f"10.78.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        source = own if number % 2 else spoofed
        raw.sendto(syn(source, house.address, random.randrange(14998, 15013)), (house.address, 0))
    assert not house.who("four") and not house.is_let_in("flood", 7007)
    house.scene.fact("20,000 random SYNs at the ports of a sequence, of one source and of many, open nothing")
    house.knock("alice", "15003", "15001", "15007", "15005")
    assert house.is_let_in("alice", 7007)
    house.scene.fact("and others knock meanwhile")


def operators(house):
    alice, bob = (house.network.addresses[name] for name in ("alice", "bob"))
    assert not house.is_let_in("alice", 7009)
    house.relayctl("gate", "open", "plain", alice, "--for", "1h")
    house.relayctl("gate", "open", "plain", alice, "--for", "2h")
    assert house.is_let_in("alice", 7009) and not house.is_let_in("bob", 7009)
    shown = house.gate("plain")
    assert shown["passed"] >= 1 and shown["refused"] >= 1 and shown["places"] == ["7009/tcp"], shown
    assert 3600 < shown["open"][0]["until_s"] <= 7200 and shown["open"][0]["by"] == "operator", shown
    house.scene.fact("relayctl gate open lets an address in, and a second time for longer")
    house.relayctl("gate", "close", "plain", alice)
    assert not house.is_let_in("alice", 7009)
    refused = house.relayctl("gate", "close", "plain", bob, check=False)
    assert refused.returncode == 1 and "is not open for" in refused.stderr, refused.stderr
    refused = house.relayctl("gate", "open", "plian", bob, check=False)
    assert refused.returncode == 1 and "no gate plian" in refused.stderr, refused.stderr
    house.scene.fact("relayctl gate close closes it")


def without_us(house, others):
    connection = house.connect("bob", 7001)
    left = house.gate("quiet")["open"]
    house.process.kill()
    assert not house.is_let_in("slow", 7001)
    house.knock("slow", *RIGHT)
    assert house.is_let_in("slow", 7001) and is_alive(connection)
    house.scene.fact("killed, relayd-gate is not missed: the kernel follows sequences by itself")
    house.start()
    assert house.is_let_in("slow", 7001) and house.is_let_in("bob", 7001) and is_alive(connection)
    after = {each["address"]: each["until_s"] for each in house.gate("quiet")["open"]}
    for each in left:
        assert 0 < after[each["address"]] <= each["until_s"] + 1, (each, after)
    house.scene.fact("started again, it keeps who was let in, and for how long")
    settings = house.config.read_text()
    house.write(settings + "  more: { ports: 7010 }\n")
    done = house.relayctl("gate", "apply").stdout
    assert done == "gate more added\n", done
    assert house.is_let_in("slow", 7001) and is_alive(connection) and house.gate("more")["places"] == ["7010/tcp"]
    house.write(settings + "  more: { ports: 7001 }\n")
    refused = house.relayctl("gate", "apply", check=False)
    assert refused.returncode == 1 and "is behind the gate 'more' already" in refused.stderr, refused.stderr
    assert "the settings do not hold" in house.relayctl("gates").stderr
    house.write(settings)
    house.process.signal(signal.SIGHUP)
    wait_for("the gate to go", lambda: all(
        "gate-more" not in line for line in house.nft("list", "table", "inet", "relayd_gates").splitlines()), LONG)
    assert house.is_let_in("slow", 7001) and is_alive(connection)
    house.scene.fact("so it does when the settings are read again; wrong ones change nothing")
    assert house.nft("list", "table", "inet", "others") == others
    house.scene.fact("other rules of the host are as they were")
    house.nft("flush", "ruleset")
    wait_for("the gates to be back", lambda: house.log_has("somebody has taken the rules of the gates away"), LONG)
    assert not house.is_let_in("slow", 7001) and is_alive(connection)
    house.scene.fact("nft flush ruleset takes the gates away for a moment only")


def no_lock_out(house):
    settings = house.config.read_text()
    house.write(settings + "  later: { ports: 7011 }\n")
    shown = house.relayctl("gate", "apply", "--confirm", "2s").stdout
    assert "gate later added" in shown and "relayctl gate confirm" in shown, shown
    wait_for("it to be taken back", lambda: "7011" not in house.nft("list", "ruleset"), LONG)
    assert "nobody has confirmed" in house.relayctl("gates").stderr
    refused = house.relayctl("gate", "confirm", check=False)
    assert refused.returncode == 1 and "nothing waits to be confirmed" in refused.stderr, refused.stderr
    house.scene.fact("gate apply --confirm is taken back when nobody confirms it")
    house.relayctl("gate", "apply", "--confirm", "1h")
    refused = house.relayctl("gate", "apply", check=False)
    assert refused.returncode == 1 and "wait to be confirmed" in refused.stderr, refused.stderr
    house.relayctl("gate", "confirm")
    assert house.gate("later")["places"] == ["7011/tcp"]
    house.scene.fact("and stays when somebody does")
    house.relayctl("gate", "open", "plain", house.network.addresses["alice"])
    with wait_for("a connection", lambda: house.connect("alice", 7009), LONG):
        checked = house.relayctl("gates", "check", "--config", house.config, check=False)
    warnings = (f"{house.network.addresses['alice']} is connected to port 7009 now", "gate later lets in nobody",
                "gate scanned is opened by any scan")
    assert checked.returncode == 1 and all(text in checked.stdout for text in warnings), checked
    house.write(settings)
    house.relayctl("gate", "apply")
    house.scene.fact("relayctl gates check warns of who would be kept out")


def ended_before_anybody_confirms(house):
    """Who has closed himself out gets in again, whatever ends first: relayd-gate, or the machine."""
    settings = house.config.read_text()
    house.write(settings + "  later: { ports: 7011 }\n")
    house.knock("alice", *RIGHT)

    def is_as_before():
        return "7011" not in house.nft("list", "ruleset") and "later" not in house.relayctl("gates").stdout

    def start():
        house.start()
        assert is_as_before() and house.is_let_in("bob", 7011), house.nft("list", "ruleset")
        assert not house.is_let_in("slow", 7001) and "nobody has confirmed" in house.relayctl("gates").stderr

    house.relayctl("gate", "apply", "--confirm", "1h")
    assert not house.is_let_in("bob", 7011)
    house.process.kill()
    assert not house.is_let_in("bob", 7011)
    start()
    assert house.is_let_in("alice", 7001), "who was let in before stays so"
    house.process.kill()
    start()
    house.scene.fact("a kill of relayd-gate takes back what nobody has confirmed, for its next starts too")
    house.relayctl("gate", "apply", "--confirm", "1h")
    house.process.stop()
    assert "7011" not in house.nft("list", "ruleset")
    start()
    house.scene.fact("and so do its end and its restart")
    house.relayctl("gate", "apply", "--confirm", "1h")
    house.process.kill()
    run(*house.network.inside("vps"), "nft", "flush", "ruleset")  # As a boot does.
    start()
    house.scene.fact("and a boot")
    house.relayctl("gate", "apply", "--confirm", "1h")
    house.relayctl("gate", "confirm")
    house.process.kill()
    house.start()
    assert house.gate("later")["places"] == ["7011/tcp"] and not house.relayctl("gates").stderr
    house.scene.fact("what is confirmed stays after a kill")
    house.write(settings)
    house.relayctl("gate", "apply")


def a_start_with_wrong_settings(house):
    house.process.stop()
    run(*house.network.inside("vps"), "nft", "flush", "ruleset")
    house.write("gates: {")
    failed = house.scene.start("wrong", *house.command())
    assert failed.wait(LONG) == 2 and "the gates are as they were before" in failed.text(), failed.text()
    assert not house.is_let_in("bob", 7001)
    house.knock("bob", *RIGHT)
    assert house.is_let_in("bob", 7001)
    house.scene.fact("a start with wrong settings closes what the last right ones did")


def main():
    with Scene() as scene, Network(*HOSTS) as network:
        addresses = add_ipv6(network)
        for port in PORTS:
            echo_on(network, port)
        run(*network.inside("vps"), "nft", OTHERS)
        house = Gatehouse(scene, network, SETTINGS.format(trusted=network.addresses["trusted"]))
        others = house.nft("list", "table", "inet", "others")
        closed_until_knocked(house)
        knocks_that_are_wrong(house)
        echo_on(network, 7001, addresses["vps"])
        udp_and_ipv6(house, addresses)
        it_closes_by_itself(house)
        scans(house)
        floods(house)
        operators(house)
        without_us(house, others)
        no_lock_out(house)
        ended_before_anybody_confirms(house)
        a_start_with_wrong_settings(house)


if __name__ == "__main__":
    main()
