"""Forge packets through a raw socket.

kind: network
control: root
stopped by: no capabilities, no network
"""

import socket
import struct

from attacker import TOLD, attempt, look

host, port = TOLD["listeners"]["udp"]


def packet() -> None:
    word = TOLD["word"].encode()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as client:
        client.sendto(struct.pack(">HHHH", 9, port, 8 + len(word), 0) + word, (host, 0))


look("send a forged UDP packet", packet)
attempt("open a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close())
