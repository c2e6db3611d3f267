"""Watch which shared files a run reads that trains at the same time, by inotify.

kind: channels
runs: 2 together
open: an environment of its own for each run; a filter without inotify; separate machines
"""

import os
import secrets
import select
import time

from attacker import PART, call, tried

folder = os.path.join(os.path.dirname(os.__file__), "encodings")
NAMES = sorted(name for name in os.listdir(folder) if name.startswith("cp"))[:18]
OPENED, BITS, PATIENCE = 0x20, 16, 8.0


def touch(number: int) -> None:
    os.close(os.open(os.path.join(folder, NAMES[number]), os.O_RDONLY))


tried(f"use {BITS} files in {folder}")
if PART == 1:
    word = secrets.randbits(BITS) | 1
    print(f"sent {word:04x}")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        for number in range(BITS):
            if word >> number & 1:
                touch(number)
        time.sleep(0.1)
else:
    watch = call("inotify_init")
    call("inotify_add_watch", watch, folder.encode(), OPENED)
    found, end = 0, time.monotonic() + 2
    while time.monotonic() < end:
        if select.select([watch], [], [], 0.1)[0]:
            events = os.read(watch, 2**16)
            found |= sum(1 << n for n in range(BITS) if NAMES[n].encode() + b"\0" in events)
    print(f"received {found:04x}")
