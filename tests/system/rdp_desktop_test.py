#!/usr/bin/env python3
"""A remote desktop through a forward: it is seen, it is typed into, and it is there again for a
second visitor. Two RDP servers, with and without NLA."""

from harness import desktops
from harness.clients import RdpClient
from harness.processes import Scene, wait_for
from harness.relayd import Tunnel

COLOURS = 100  # An empty screen has one; these desktops have some 500 to 1300.


def a_desktop_is_seen_and_typed_into(scene, name, desktop, port, options):
    client = RdpClient(scene, f"{name}-client")
    client.connect(port, *options)
    scene.fact(f"{name}: a picture of {client.wait_for_picture(COLOURS)} colours")

    desktop.focus_terminal()
    client.type_line("hello relay")
    wait_for("the typed line", lambda: desktop.typed.read_text() == "hello relay\n")
    scene.fact(f"{name}: what the visitor types arrives")

    client.disconnect()
    client.connect(port, *options)
    scene.fact(f"{name}: a second connection has a picture of "
               f"{client.wait_for_picture(COLOURS)} colours")
    client.disconnect()


def main():
    with Scene() as scene:
        without_password = ["/sec:tls", "/u:test", "/p:test"]
        with_nla = ["/sec:nla", f"/u:{desktops.USER}", f"/p:{desktops.PASSWORD}"]
        shown = {
            "freerdp-shadow with TLS": (desktops.freerdp_shadow(scene), without_password),
            "freerdp-shadow with NLA": (desktops.freerdp_shadow(scene, "shadow-nla", nla=True),
                                        with_nla),
            "xrdp with TLS": (desktops.xrdp(scene), without_password),
        }
        tunnel = Tunnel(scene, *(desktop.port for desktop, _ in shown.values()))
        for name, (desktop, options) in shown.items():
            port = tunnel.forward(desktop.port)
            a_desktop_is_seen_and_typed_into(scene, name, desktop, port, options)


if __name__ == "__main__":
    main()
