"""Take control of a process of the host with ptrace.

kind: escape
stopped by: process namespace
"""

import ctypes
import time

from attacker import SEEN, TOLD, attempt, call

SEIZE, DETACH = 0x4206, 17
victim = ctypes.c_long(TOLD["victim"])


def seize() -> None:
    call("ptrace", SEIZE, victim, None, None)
    time.sleep(SEEN)


attempt(f"seize process {TOLD['victim']}", seize)
