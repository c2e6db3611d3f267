"""Read the kernel's log and the addresses in it.

kind: kernel
stopped by: no capabilities, minimal /dev, seccomp filter
control: root
"""

import ctypes
import os

from attacker import attempt, call, look, open_only, read

READ_ALL = 3
buffer = ctypes.create_string_buffer(4096)
attempt("read the log by syslog", lambda: call("klogctl", READ_ALL, buffer, 4096))
for path in ("/dev/kmsg", "/proc/kmsg", "/proc/kcore"):
    attempt(f"open {path}", lambda path=path: open_only(path, os.O_RDONLY | os.O_NONBLOCK))
look("addresses in /proc/kallsyms", lambda: read("/proc/kallsyms", 80))
