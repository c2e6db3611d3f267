"""Talk to the hypervisor through a vsock socket, which no network namespace holds back.

kind: network
stopped by: seccomp filter
"""

import socket

from attacker import TOLD, attempt, look


def reach(port: int) -> None:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        client.connect((1, port))
        client.send(TOLD["word"].encode())


attempt("make a vsock socket", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close())
if "vsock" in TOLD["listeners"]:
    look("reach the host by vsock", lambda: reach(TOLD["listeners"]["vsock"][1]))
