"""Reach a service of the host through its Unix socket, as those of docker or an SSH agent.

kind: network
stopped by: mount namespace
"""

import os
import socket

from attacker import TOLD, attempt, look


def reach(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(path)
        client.send(TOLD["word"].encode())


path = TOLD["listeners"]["unix"]
for way in (path, f"/proc/1/root{path}"):
    look(f"reach {way}", lambda way=way: reach(way))
for way in ("/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private", "/tmp/.X11-unix/X0"):
    if TOLD["roots"] == ["/"]:
        attempt(f"find {way}", lambda way=way: os.stat(way).st_size)
