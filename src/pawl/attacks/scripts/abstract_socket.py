"""Reach a service of the host through an abstract Unix socket, which no mount namespace hides.

kind: network
stopped by: network namespace
"""

import socket

from attacker import TOLD, look


def reach() -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        client.connect(TOLD["listeners"]["abstract"])
        client.send(TOLD["word"].encode())


look("reach the abstract socket", reach)
