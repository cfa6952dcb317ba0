"""Two haproxy: the first takes plain connections into TLS 1.3, the second out of it again. A TLS
connection for each visitor, resumed where haproxy does so by itself."""

from rigs.rig import LOOPBACK, Rig, make_certificate

COMMON = """
global
    maxconn 8192
    tune.ssl.default-dh-param 2048
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
"""
RELAY = COMMON + """
listen visitors
    bind 127.0.0.1:{port}
    server home {home}:{tls_port} ssl verify none ssl-min-ver TLSv1.3 ciphersuites {suite}
"""
HOME = COMMON + """
listen relay
    bind {home}:{tls_port} ssl crt {certificate} ssl-min-ver TLSv1.3 ciphersuites {suite}
    server target 127.0.0.1:{target_port}
"""
SUITE = "TLS_AES_128_GCM_SHA256"


def pair(scene, target_port, place=LOOPBACK):
    port, tls_port = scene.free_port(), scene.free_port()
    folder = scene.path("haproxy", "relay.cfg").parent
    values = {"port": port, "tls_port": tls_port, "home": place.home_address, "suite": SUITE,
              "target_port": target_port, "certificate": make_certificate(folder)}
    (folder / "relay.cfg").write_text(RELAY.format(**values))
    (folder / "home.cfg").write_text(HOME.format(**values))
    home = scene.start("haproxy-home", *place.home, "haproxy", "-db", "-q", "-f", folder / "home.cfg")
    scene.wait_for_port(tls_port, home, within=place.home)
    relay = scene.start("haproxy-relay", *place.relay, "haproxy", "-db", "-q",
                        "-f", folder / "relay.cfg")
    scene.wait_for_port(port, relay, within=place.relay)
    return Rig("haproxy x2 TLS", port, [relay], [home])
