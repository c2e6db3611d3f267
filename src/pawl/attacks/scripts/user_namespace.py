"""Make a user namespace, and be root in it: the first step of most escapes through the kernel.

kind: escape
stopped by: no nested user namespaces
"""

import ctypes
import os

from attacker import attempt, call, in_child

NEW_USER = 0x10000000
attempt("unshare a user namespace", lambda: in_child(lambda: call("unshare", NEW_USER)))
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]


def cloned() -> None:
    child = call("syscall", ctypes.c_long(number), ctypes.c_long(NEW_USER | 17), None, None, None, None)
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


attempt("clone into a user namespace", cloned)
