#!/usr/bin/env python3
"""FTP behind TLS, whose lines nobody can read along: by AUTH TLS and from the first byte, with data ports
one to one; and by ports alone, as it was done in 2001."""

import ftplib
import json
import socket
import ssl

from harness.ftp import FtpServer, curl, lftp
from harness.ftp_control import Control, fetch, forward
from harness.netns import on_host
from harness.parts import make_certificate
from harness.processes import Scene, wait_for
from harness.relayd import HOME_NAME, Tunnel
from testhost import Network

TLS_PORTS = range(18000, 18020)
IMPLICIT_PORTS = range(18100, 18110)
PLAIN_PORTS = range(18200, 18205)
CURL_USE_SSL_FAILED = 64
INSIST = ("--ssl-reqd", "--insecure")
WAYS = {"EPSV": (), "PASV": ("--disable-epsv", "--no-ftp-skip-pasv-ip")}


def text_of(ports):
    return f"{ports[0]}-{ports[-1]}"


def passive(network, ports):
    """What HOWTO-FTP.md tells to set at the server."""
    return [f"pasv_min_port={ports[0]}", f"pasv_max_port={ports[-1]}",
            f"pasv_address={network.addresses['relay']}"]


def tls_server(scene, network, ports, *more):
    certificate, key = make_certificate(scene.path(f"tls-{ports[0]}", "x").parent)
    lines = ["ssl_enable=YES", "allow_anon_ssl=YES", "force_local_logins_ssl=NO", "force_local_data_ssl=NO",
             "require_ssl_reuse=NO", f"rsa_cert_file={certificate}", f"rsa_private_key_file={key}",
             *passive(network, ports), *more]
    return FtpServer.vsftpd(scene, within=network.inside("home"), more="\n".join(lines))


def data_check(tunnel, place):
    """What doctor says of its data connections."""
    said = json.loads(tunnel.relay.relayctl("doctor", str(place[1]), "--json", check=False).stdout)
    [check] = [each for each in said["checks"] if each["hop"] == "data"]
    return check


def without_ports(scene, network, tunnel, server):
    place = forward(scene, network, tunnel, server)
    client = network.inside("client")
    assert curl(client, place, "hello.txt").stdout == "hello\n"
    assert data_check(tunnel, place)["state"] == "ok"
    alone = curl(client, place, "hello.txt", *INSIST, check=False)
    assert alone.returncode != 0, alone
    wait_for("the log", lambda: "speaks TLS" in tunnel.relay.log())
    check = data_check(tunnel, place)
    assert check["state"] == "warning" and "pasv_address" in check["advice"], check
    scene.fact("behind AUTH TLS nothing works by itself, which the log and doctor say, and what to do")


def with_ports(scene, network, tunnel, server):
    place = forward(scene, network, tunnel, server, "--data-ports", text_of(TLS_PORTS))
    client = network.inside("client")
    check = data_check(tunnel, place)
    assert check["state"] == "ok" and f"pasv_min_port={TLS_PORTS[0]}" in check["text"], check
    for options in WAYS.values():
        got = curl(client, place, "hello.txt", *INSIST, *options)
        assert got.stdout == "hello\n", options
    got = scene.path("copies", "by-tls")
    lftp(client, place, f"get hello.txt -o {got}", "set ftp:ssl-allow yes", "set ftp:ssl-force yes",
         "set ftp:ssl-protect-data yes", "set ssl:verify-certificate no")
    assert got.read_text() == "hello\n"
    scene.fact("with data-ports, one to one, curl and lftp get along behind TLS")
    return place


def is_let_in(network, host, place, port):
    """As far as the server behind it, or its absence, which ends it, too."""
    with on_host(network, host):
        try:
            with socket.create_connection((place[0], port), timeout=60):
                return True
        except ConnectionError:
            return False


def range_is_for_its_clients(scene, network, tunnel, place):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with on_host(network, "client"):
        client = ftplib.FTP_TLS(context=context, timeout=60)
        client.connect(*place)
    assert not is_let_in(network, "client", place, TLS_PORTS[0])
    client.auth()
    wait_for("the range", lambda: is_let_in(network, "client", place, TLS_PORTS[0]))
    with Control(network, place) as plain:
        fetch(plain)
        # A door takes a port of the same range, for its own client.
        assert plain.passive() in TLS_PORTS
        fetch(plain)
    with on_host(network, "other"):
        stranger = socket.create_connection((place[0], TLS_PORTS[0]), timeout=60)
        try:
            assert stranger.recv(1) == b""
        except ConnectionResetError:
            pass
        stranger.close()
    client.close()
    wait_for("the range to close", lambda: not is_let_in(network, "client", place, TLS_PORTS[0]))
    scene.fact("the range is open as long as such a client is there, to it alone, and beside others' doors")


def from_the_first_byte(scene, network, tunnel):
    server = tls_server(scene, network, IMPLICIT_PORTS, "implicit_ssl=YES")
    tunnel.home.relayctl("allow", server.place)
    tunnel.home.relayctl("allow", f"127.0.0.1:{text_of(IMPLICIT_PORTS)}")
    place = forward(scene, network, tunnel, server, "--data-ports", text_of(IMPLICIT_PORTS))
    for options in WAYS.values():
        got = curl(network.inside("client"), place, "hello.txt", "--insecure", *options, scheme="ftps")
        assert got.stdout == "hello\n", options
    scene.fact("implicit FTPS works in the same way")


def refused(scene, network, tunnel, server):
    client = network.inside("client")
    place = forward(scene, network, tunnel, server, "--ftp-tls", "refuse")
    assert curl(client, place, "hello.txt", "--ssl", "--insecure").stdout == "hello\n"
    insists = curl(client, place, "hello.txt", *INSIST, check=False)
    assert insists.returncode == CURL_USE_SSL_FAILED, insists
    assert "kept from TLS" in data_check(tunnel, place)["text"]
    scene.fact("with ftp-tls: refuse clients speak in clear, and those that insist are told no")


def by_ports_alone(scene, network, tunnel):
    server = FtpServer.vsftpd(scene, within=network.inside("home"),
                              more="\n".join(passive(network, PLAIN_PORTS)))
    ports, host = text_of(PLAIN_PORTS), network.addresses["relay"]
    tunnel.home.relayctl("allow", server.place)
    tunnel.home.relayctl("allow", f"127.0.0.1:{ports}")
    place = host, scene.free_port()
    for listen, to in ((f"{host}:{place[1]}", server.place), (f"{host}:{ports}", f"127.0.0.1:{ports}")):
        tunnel.relay.relayctl("forward", "add", listen, "--home", HOME_NAME, "--to", to, "--probe", "none")
    scene.wait_for_port(place[1], tunnel.relay.process, within=tunnel.relay.within)
    for options in WAYS.values():
        for _ in range(len(PLAIN_PORTS) + 1):
            assert curl(network.inside("client"), place, "hello.txt", *options).stdout == "hello\n", options
    scene.fact("the way of 2001 works: a forward for 21, and five for the server's range")


def asked_for_by_the_home(scene, network, tunnel):
    server = FtpServer.vsftpd(scene, within=network.inside("home"))
    host, port = network.addresses["relay"], scene.free_port()
    tunnel.relay.relayctl("home", "add", HOME_NAME, tunnel.home.public_key(), "--may-listen", f"{host}:{port}")
    wish = {"listen": f"{host}:{port}", "to": server.place, "protocol": "ftp", "probe": "none"}

    def wanted(**more):
        tunnel.home_settings["forwards"] = f"[ {json.dumps({**wish, **more})} ]"
        tunnel.home_arguments()
        tunnel.home.relayctl("reload")

    def listed(daemon):
        return next((each for each in daemon.ask("forward", "list")["forwards"]
                     if each["listen"] == wish["listen"]), {})
    wanted(**{"data-ports": "19500-19501"})
    wait_for("the denial", lambda: "19500" in listed(tunnel.home).get("denied", ""))
    wanted()
    wait_for("the forward", lambda: listed(tunnel.relay).get("listening"))
    assert listed(tunnel.relay)["protocol"] == listed(tunnel.home)["protocol"] == "ftp"
    for options in (*WAYS.values(), ("--ftp-port", "-")):
        assert curl(network.inside("client"), (host, port), "hello.txt", *options).stdout == "hello\n"
    scene.fact("a home may ask for such a forward itself, with data-ports that it may have")


def main():
    with Scene() as scene, Network("relay", "home", "client", "other") as network:
        server = tls_server(scene, network, TLS_PORTS)
        # Nobody is counted who comes often: that is not what is tried here.
        tunnel = Tunnel(scene, server.port, network=network, home_settings={"forwards": "[]"}, relay_settings={
            "guard": json.dumps({"always": ["10.78.0.0/24"]})})
        tunnel.home.relayctl("allow", f"127.0.0.1:{text_of(TLS_PORTS)}")
        without_ports(scene, network, tunnel, server)
        place = with_ports(scene, network, tunnel, server)
        range_is_for_its_clients(scene, network, tunnel, place)
        from_the_first_byte(scene, network, tunnel)
        refused(scene, network, tunnel, server)
        by_ports_alone(scene, network, tunnel)
        asked_for_by_the_home(scene, network, tunnel)


if __name__ == "__main__":
    main()
