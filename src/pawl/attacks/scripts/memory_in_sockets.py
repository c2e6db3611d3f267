"""Hoard memory in the kernel's buffers, as data that was sent and nobody receives.

kind: resources
stopped by: control group
ends: out-of-memory, crashed
control: no, it is a bomb
"""

import os
import socket
import time

from attacker import TOLD, managed, spare_the_host, tried

spare_the_host()
wanted, kept, piece, held = TOLD["limits"]["memory"] * 5 // 4, [], bytes(2**17), 0
tried(f"hoard {wanted // 2**20} MiB")
reader, writer = os.pipe()
for _ in range(10):
    if os.fork() == 0:
        for _ in range(450):
            pair = socket.socketpair()
            kept.append(pair)
            pair[0].setblocking(False)
            try:
                while held < wanted // 10:
                    held += pair[0].send(piece)
            except BlockingIOError:
                continue
            break
        os.write(writer, held.to_bytes(8, "little"))
        time.sleep(2)
        os._exit(0)
total = sum(int.from_bytes(os.read(reader, 8), "little") for _ in range(10))
tried(f"hold {total // 2**20} MiB")
time.sleep(0.5)
if total > TOLD["limits"]["memory"]:
    managed(f"hoard {total // 2**20} MiB")
