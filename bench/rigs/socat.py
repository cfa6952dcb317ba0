"""Two socat without encryption: what two copies through user space cost. A process a connection."""

from rigs.rig import LOOPBACK, Rig

PIECE = "131072"  # Its default of 8192 costs more than twice as much.


def pair(scene, target_port, place=LOOPBACK):
    port, middle_port = scene.free_port(), scene.free_port()
    home = _one(scene, "socat-home", place.home, place.home_address, middle_port,
                f"127.0.0.1:{target_port}")
    relay = _one(scene, "socat-relay", place.relay, "127.0.0.1", port,
                 f"{place.home_address}:{middle_port}")
    return Rig("socat x2 (plain)", port, [relay], [home])


def _one(scene, name, within, address, port, to):
    listen = f"TCP-LISTEN:{port},bind={address},fork,reuseaddr,backlog=1024,nodelay"
    process = scene.start(name, *within, "socat", "-b", PIECE, listen, f"TCP:{to},nodelay")
    scene.wait_for_port(port, process, within=within)
    return process
