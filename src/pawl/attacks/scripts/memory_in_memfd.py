"""Hoard memory in files that no folder holds and no process maps.

kind: resources
stopped by: control group, seccomp filter
ends: out-of-memory, crashed
control: no, it is a bomb
"""

import os
import time

from attacker import TOLD, managed, refused, spare_the_host, tried

spare_the_host()
wanted, held, piece = 2 * TOLD["limits"]["memory"], 0, bytes(2**22 - 1)
tried(f"hoard {wanted // 2**20} MiB")
try:
    while held < wanted:
        held += os.write(os.memfd_create("hoard"), piece)
except OSError as error:
    refused(f"hoard more than {held // 2**20} MiB", error.strerror)
    raise
time.sleep(0.5)
managed(f"hoard {held // 2**20} MiB")
