"""Become root by setuid, and take capabilities.

kind: escape
stopped by: unprivileged user, no capabilities, no new privileges
control: root
"""

import ctypes
import os

from attacker import attempt, call, in_child

attempt("setresuid to 0", lambda: in_child(lambda: os.setresuid(0, 0, 0)))
attempt("setgroups", lambda: in_child(lambda: os.setgroups([0])))
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
everything = (ctypes.c_uint32 * 6)(0xFFFFFFFF, 0xFFFFFFFF, 0, 0x1FF, 0x1FF, 0)
attempt("take every capability", lambda: in_child(lambda: call("capset", header, everything)))
attempt("set the secure bits", lambda: in_child(lambda: call("prctl", 28, 1)))
