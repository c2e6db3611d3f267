"""Ask the kernel for work through io_uring, which system call filters do not see.

kind: kernel
stopped by: seccomp filter
"""

import ctypes
import os
import time

from attacker import SEEN, attempt, call


def held() -> None:
    descriptor = call("io_uring_setup", 4, ctypes.create_string_buffer(120))
    time.sleep(SEEN)
    os.close(descriptor)


attempt("make a ring", held)
