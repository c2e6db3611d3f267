"""Walk to the host's files through /proc/PID/root and /proc/PID/cwd of other processes.

kind: escape
stopped by: process namespace
"""

import os

from attacker import TOLD, look, read

path = TOLD["secrets"]["host file"]
for pid in [*filter(str.isdigit, os.listdir("/proc")), str(TOLD["victim"])]:
    for name in ("root", "cwd"):
        look(f"read through /proc/{pid}/{name}", lambda way=f"/proc/{pid}/{name}{path}": read(way))
