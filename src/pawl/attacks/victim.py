"""A process of the host that notes every signal it gets, and holds secrets where only processes hold them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

CODE = """\
import ctypes, os, signal, sys, time
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))  # let anybody trace it, where the kernel asks
secret = bytearray(sys.stdin.buffer.readline())
for number in (1, 2, 3, 10, 12, 15, 23):
    signal.signal(number, lambda number, frame: os.write(1, b"%d\\n" % number))
os.write(1, b"ready\\n")
while True:
    time.sleep(60)
"""


@dataclass(frozen=True, slots=True)
class Victim:
    """A living process; what it notes comes through its standard output."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def signs(self) -> Iterator[str]:
        """What was done to it."""
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        for number in (self.process.stdout.read() or b"").split():
            yield f"the host's process got signal {signal.Signals(int(number)).name}"
        if self.process.poll() is not None:
            yield f"the host's process was ended ({self.process.returncode})"


@contextmanager
def living(secrets: Mapping[str, str]) -> Iterator[Victim]:
    """A victim with a secret in its environment, its command line and its memory, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", CODE, secrets["command line"]], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, env={"PAWL_SECRET_CANARY": secrets["environment"]}, cwd="/", start_new_session=True,
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(secrets["memory"].encode() + b"\n")
            process.stdin.flush()
            process.stdout.readline()
            yield Victim(process)
        finally:
            process.kill()
