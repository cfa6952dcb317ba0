"""Two stunnel: plain connections into TLS 1.3, and out of it again."""

from rigs.rig import LOOPBACK, Rig, make_certificate

COMMON = """
foreground = yes
pid =
debug = err
sslVersion = TLSv1.3
ciphersuites = TLS_AES_128_GCM_SHA256
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
socket = a:TCP_NODELAY=1
"""
RELAY = COMMON + """
[visitors]
client = yes
accept = 127.0.0.1:{port}
connect = {home}:{tls_port}
verifyChain = no
"""
HOME = COMMON + """
[relay]
cert = {certificate}
accept = {home}:{tls_port}
connect = 127.0.0.1:{target_port}
"""


def pair(scene, target_port, place=LOOPBACK):
    port, tls_port = scene.free_port(), scene.free_port()
    folder = scene.path("stunnel", "relay.conf").parent
    values = {"port": port, "tls_port": tls_port, "home": place.home_address,
              "target_port": target_port, "certificate": make_certificate(folder)}
    (folder / "relay.conf").write_text(RELAY.format(**values))
    (folder / "home.conf").write_text(HOME.format(**values))
    home = scene.start("stunnel-home", *place.home, "stunnel4", folder / "home.conf")
    scene.wait_for_port(tls_port, home, within=place.home)
    relay = scene.start("stunnel-relay", *place.relay, "stunnel4", folder / "relay.conf")
    scene.wait_for_port(port, relay, within=place.relay)
    return Rig("stunnel x2 TLS", port, [relay], [home])
