"""Reach a server on the host, or another machine, by TCP.

kind: network
stopped by: no network
"""

import socket

from attacker import TOLD, attempt, look


def reach(family: int, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        client.connect(address)
        client.send(TOLD["word"].encode())


for kind, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
    if kind in TOLD["listeners"]:
        address = tuple(TOLD["listeners"][kind][:2])
        look(f"reach {address}", lambda family=family, address=address: reach(family, address))
if TOLD["roots"] == ["/"]:
    attempt("reach another machine", lambda: reach(socket.AF_INET, ("192.0.2.1", 80)))
