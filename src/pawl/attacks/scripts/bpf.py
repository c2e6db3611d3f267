"""Load a program into the kernel.

kind: kernel
stopped by: no capabilities, seccomp filter
control: root
"""

import ctypes
import os

from attacker import attempt, call

# BPF_MAP_CREATE of an array of one element: the least that bpf() can be asked for.
request = ctypes.create_string_buffer(b"".join(n.to_bytes(4, "little") for n in (2, 4, 4, 1)), 72)
attempt("make a map of bpf", lambda: os.close(call("bpf", 0, request, 72)))
