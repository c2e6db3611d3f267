"""Watch which shared files a run reads that trains at the same time, by inotify.

kind: channels
runs: 2 together
stopped by: seccomp filter
"""

import os
import secrets
import select
import sys
import time

from attacker import PART, call, refused, tried

folder = os.path.join(os.path.dirname(os.__file__), "encodings")
NAMES = sorted(name for name in os.listdir(folder) if name.startswith("cp"))[:18]
BITS, END_OF_WORD, GOT_IT = 16, 16, 17
OPENED, PATIENCE = 0x20, 8.0
end = time.monotonic() + PATIENCE
try:
    watch = call("inotify_init")
    call("inotify_add_watch", watch, folder.encode(), OPENED)
except OSError as error:
    refused("watch files", error.strerror)
    sys.exit()


def touch(number: int) -> None:
    os.close(os.open(os.path.join(folder, NAMES[number]), os.O_RDONLY))


def opened() -> list[int]:
    """The files that were opened since the last look, in order."""
    events = os.read(watch, 2**16) if select.select([watch], [], [], 0.1)[0] else b""
    names = [name for name in events.split(b"\0") if name.strip(b"\0")]
    return [number for name in names for number in range(len(NAMES)) if name.endswith(NAMES[number].encode())]


tried(f"use {len(NAMES)} files in {folder}")
if PART == 1:
    word = secrets.randbits(BITS) | 1
    print(f"sent {word:04x}")
    while time.monotonic() < end and GOT_IT not in opened():
        for number in range(BITS):
            if word >> number & 1:
                touch(number)
        touch(END_OF_WORD)
else:
    seen: list[int] = []
    while time.monotonic() < end and seen.count(END_OF_WORD) < 2:  # the second one ends a word that began after us
        seen += opened()
    print(f"received {sum(1 << number for number in set(seen) if number < BITS):04x}")
    touch(GOT_IT)
