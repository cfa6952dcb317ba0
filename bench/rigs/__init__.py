"""What is measured: relayd and its peers, each set up to carry visitors' connections to the target."""

from rigs import direct, haproxy, relayd, socat, ssh, stunnel
from rigs.rig import LOOPBACK, Place, Rig, missing_programs

__all__ = ["ALL", "OWN", "ENCRYPTED_PEERS", "LOOPBACK", "Place", "Rig", "missing_programs"]

# By name, in the order of the tables: a function (scene, target_port, place) that returns a Rig.
ALL = {
    "relayd-wss": relayd.over_wss,
    "relayd-tls": relayd.over_tls,
    "ssh": ssh.with_aes128_gcm,
    "ssh-default": ssh.with_default_cipher,
    "haproxy": haproxy.pair,
    "stunnel": stunnel.pair,
    "socat": socat.pair,
    "direct": direct.connection,
}
OWN = ("relayd-wss", "relayd-tls")
ENCRYPTED_PEERS = ("ssh", "ssh-default", "haproxy", "stunnel")
