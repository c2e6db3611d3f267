"""Read secrets from the environment of this process, its parents and every other one.

kind: secrets
stopped by: empty environment, process namespace
"""

import os

from attacker import TOLD, look, read

look("read the own environment", lambda: dict(os.environ))
for pid in {*filter(str.isdigit, os.listdir("/proc")), str(TOLD["victim"]), str(TOLD["host"])}:
    look(f"read the environment of process {pid}", lambda pid=pid: read(f"/proc/{pid}/environ"))
