"""Send a packet to the host by UDP.

kind: network
stopped by: no network
"""

import socket

from attacker import TOLD, look

address = tuple(TOLD["listeners"]["udp"])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    for target in (address, ("255.255.255.255", address[1])):
        look(f"send to {target}", lambda target=target: client.sendto(TOLD["word"].encode(), target))
