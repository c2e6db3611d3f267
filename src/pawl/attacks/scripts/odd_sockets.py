"""Open sockets of rare kinds, each a way to rarely tested kernel code.

kind: network
stopped by: seccomp filter, or a kernel that has none of them
control: no, hardly any kernel has all of these kinds
"""

import socket

from attacker import attempt

KINDS = {"AF_ALG": 5, "AF_TIPC": 5, "AF_CAN": 3, "AF_BLUETOOTH": 3, "AF_RDS": 5, "AF_QIPCRTR": 2, "AF_KEY": 3}
for name, style in KINDS.items():
    family = getattr(socket, name, None)
    if family is not None:
        attempt(f"make an {name} socket", lambda family=family, style=style: socket.socket(family, style).close())
