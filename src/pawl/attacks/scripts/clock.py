"""Set the host's clock, which is not in any namespace.

kind: escape
stopped by: no capabilities
control: root
"""

import ctypes

from attacker import attempt, call


class Timex(ctypes.Structure):
    """struct timex of the kernel; only `modes` and `tick` are looked at here."""

    _fields_ = [("modes", ctypes.c_uint), ("numbers", ctypes.c_long * 8), ("time", ctypes.c_long * 2),
                ("tick", ctypes.c_long), ("rest", ctypes.c_char * 256)]  # fmt: skip


ADJ_TICK = 0x4000


def tick() -> None:
    """Ask for the rate that the clock has: where that is allowed, any other rate is too."""
    now = Timex()
    call("adjtimex", ctypes.byref(now))
    now.modes = ADJ_TICK
    call("adjtimex", ctypes.byref(now))


attempt("set the clock's rate to what it is", tick)
