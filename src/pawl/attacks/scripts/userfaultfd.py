"""Stop the kernel in the middle of its work through userfaultfd, as exploits of races need it.

kind: kernel
stopped by: seccomp filter
"""

import os
import time

from attacker import SEEN, attempt, call

USER_MODE_ONLY = 1


def held() -> None:
    descriptor = call("userfaultfd", os.O_CLOEXEC | USER_MODE_ONLY)
    time.sleep(SEEN)
    os.close(descriptor)


attempt("make a userfaultfd", held)
