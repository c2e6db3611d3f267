"""Talk to a run that trains at the same time by locking files that both can only read.

kind: channels
runs: 2 together
open: an environment of its own for each run (a copy, or a file system image of its own); separate machines
"""

import fcntl
import os
import secrets
import time

from attacker import PART, tried

folder = os.path.dirname(os.__file__)
paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".py")]
# One lock for each bit; then one for "all is set", and one for "all is read".
locks = [os.open(path, os.O_RDONLY) for path in paths if not os.path.islink(path)][:18]
*bits, ready, seen = locks
PATIENCE = 8.0


def locked(file: int) -> bool:
    """Whether somebody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def wait_for(file: int) -> None:
    end = time.monotonic() + PATIENCE
    while not locked(file) and time.monotonic() < end:
        time.sleep(0.02)


tried(f"use {len(bits)} locks in {folder}")
if PART == 1:
    word = secrets.randbits(len(bits)) | 1
    for number, file in enumerate(bits):
        if word >> number & 1:
            fcntl.flock(file, fcntl.LOCK_EX)
    fcntl.flock(ready, fcntl.LOCK_EX)
    print(f"sent {word:04x}")
    wait_for(seen)
else:
    wait_for(ready)
    word = sum(locked(file) << number for number, file in enumerate(bits))
    print(f"received {word:04x}")
    fcntl.flock(seen, fcntl.LOCK_EX)
    time.sleep(0.3)
