"""What is measured: relayd and its peers, each set up to carry visitors' connections to the target."""

from rigs import direct, haproxy, relayd, socat, ssh, stunnel
from rigs.rig import LOOPBACK, Place, Rig, missing_programs

__all__ = ["ALL", "OWN", "OTHER", "ENCRYPTED_PEERS", "LOOPBACK", "Place", "Rig", "missing_programs",
           "with_other_build"]

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
OTHER = ("other-wss", "other-tls")  # Of another build, if there is one.
ENCRYPTED_PEERS = ("ssh", "ssh-default", "haproxy", "stunnel")


def with_other_build(build, names):
    """Adds to ALL the rigs of the build folder `build`, and returns the names of those that stand
    beside `names`."""
    kinds = [name.partition("-")[2] for name in names if name in OWN]
    ALL.update({f"other-{kind}": relayd.of_other_build(build, kind) for kind in kinds})
    return [f"other-{kind}" for kind in kinds]
