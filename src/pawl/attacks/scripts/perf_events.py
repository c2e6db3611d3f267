"""Watch the machine through performance counters: other processes, and the caches that are shared with them.

kind: kernel
stopped by: seccomp filter, perf_event_paranoid
"""

import ctypes
import os
import time

from attacker import SEEN, TOLD, attempt, call


def opened(pid: int, kernel: bool) -> None:
    size, disabled_and_user_only = 112, 1 | (0 if kernel else (1 << 5) | (1 << 6))
    request = ctypes.create_string_buffer(128)
    request[0:4], request[4:8] = (1).to_bytes(4, "little"), size.to_bytes(4, "little")
    request[40:48] = disabled_and_user_only.to_bytes(8, "little")
    descriptor = call("perf_event_open", request, pid, ctypes.c_long(-1 if pid >= 0 else 0), ctypes.c_long(-1), 0)
    time.sleep(SEEN)
    os.close(descriptor)


attempt("count events of this process", lambda: opened(0, kernel=False))
attempt("count events of the kernel", lambda: opened(0, kernel=True))
attempt("count events of a host's process", lambda: opened(TOLD["victim"], kernel=False))
attempt("count events of a whole CPU", lambda: opened(-1, kernel=False))
