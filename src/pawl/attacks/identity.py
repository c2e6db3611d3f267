"""What tells this machine from others, and a file of it from others: what no run should get to know."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

SHORTEST = 8
LOOPBACK_OR_NONE = "00:00:00:00:00:00"
MOST_OF_A_HANDLE = 128
HERE = -100


@cache
def identities() -> dict[str, str]:
    """The machine's id and its hardware addresses, by what holds them; those that it has."""
    found = {}
    machine = Path("/etc/machine-id")
    if machine.is_file() and len(text := machine.read_text().strip()) >= SHORTEST:
        found["machine id"] = text
    for path in sorted(Path("/sys/class/net").glob("*/address")):
        address = path.read_text().strip()
        if len(address) >= SHORTEST and address != LOOPBACK_OR_NONE:
            found[f"hardware address of {path.parent.name}"] = address
    return found


def handle(path: Path) -> tuple[int, str]:
    """The type and the bytes (in hex) of a file's handle, which opens it past every path; empty if it has none."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "name_to_handle_at", None)
    buffer = ctypes.create_string_buffer(MOST_OF_A_HANDLE.to_bytes(4, "little"), 8 + MOST_OF_A_HANDLE)
    if call is None or call(HERE, os.fsencode(path), buffer, ctypes.byref(ctypes.c_int()), 0):
        return 0, ""
    length, kind = (int.from_bytes(buffer.raw[at : at + 4], "little") for at in (0, 4))
    return kind, buffer.raw[8 : 8 + length].hex()
