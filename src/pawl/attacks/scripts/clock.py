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


ADJ_TICK, now = 0x4000, Timex()
call("adjtimex", ctypes.byref(now))
now.modes = ADJ_TICK
attempt("set the clock's rate to what it is", lambda: call("adjtimex", ctypes.byref(now)))
