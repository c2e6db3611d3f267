"""Send a message to a process of the host by netlink.

kind: network
stopped by: network namespace
"""

import socket

from attacker import TOLD, look, refused


def reach(port: int) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2) as client:
        client.bind((0, 0))
        client.sendto(TOLD["word"].encode(), (port, 0))


if "netlink" in TOLD["listeners"]:
    look("send by netlink", lambda: reach(TOLD["listeners"]["netlink"][0]))
else:
    refused("send by netlink", "this kernel has no user sockets")
