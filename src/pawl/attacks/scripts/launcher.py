"""Overwrite the program that started the sandbox through /proc/PID/exe, as was done to container runtimes.

kind: escape
stopped by: unprivileged user, read-only mounts
control: no, a running program of the host would be opened for writing
"""

import os

from attacker import attempt, open_only

for pid in (1, os.getppid(), "self"):
    attempt(f"open /proc/{pid}/exe for writing", lambda pid=pid: open_only(f"/proc/{pid}/exe"))
    attempt(f"reopen /proc/{pid}/exe", lambda pid=pid: open_only(
        f"/proc/self/fd/{os.open(f'/proc/{pid}/exe', os.O_PATH)}"
    ))  # fmt: skip
