"""Trace another process of the same run: a way to take over its supervisor, and to reach kernel bugs.

kind: kernel
stopped by: seccomp filter
"""

import ctypes
import os
import signal
import time

from attacker import SEEN, attempt, call

SEIZE = 0x4206


def seize_child() -> None:
    child = os.fork()
    if child == 0:
        time.sleep(5)
        os._exit(0)
    try:
        call("ptrace", SEIZE, ctypes.c_long(child), None, None)
        time.sleep(SEEN)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


attempt("trace a child", seize_child)
