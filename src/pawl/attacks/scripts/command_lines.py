"""Read secrets from the command lines of the host's processes.

kind: secrets
stopped by: process namespace
"""

import os

from attacker import TOLD, look, read

for pid in {*filter(str.isdigit, os.listdir("/proc")), str(TOLD["victim"])}:
    look(f"read the command line of process {pid}", lambda pid=pid: read(f"/proc/{pid}/cmdline"))
