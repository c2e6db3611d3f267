"""Take twice the memory that it may have, spread over processes that each stay below the limit.

kind: resources
stopped by: memory limit of the whole tree
ends: out-of-memory
control: no, it is a bomb
"""

import os
import time

from attacker import TOLD, managed, spare_the_host, tried

spare_the_host()
share = TOLD["limits"]["memory"] // 4
tried(f"take {share // 2**20} MiB in each of eight processes")
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        kept = os.urandom(1) * share
        time.sleep(2)
        os._exit(len(kept) == 0)
    children.append(child)
failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
if not failed:
    managed(f"hold {8 * share // 2**20} MiB for 2 s")
