"""Use up the kernel's memory with links, which count for nothing.

kind: resources
stopped by: control group
ends: out-of-memory, crashed, disk-full
control: no, it is a bomb
"""

import os
import time

from attacker import managed, spare_the_host, tried

spare_the_host()

TARGET = "x" * 120
COUNT = 400_000  # each costs the kernel a KiB, which is no byte of the file system's size
tried(f"make {COUNT} links")
for number in range(COUNT):
    if number % 5000 == 0:
        os.makedirs(f"/tmp/inodes/{number}")
        os.chdir(f"/tmp/inodes/{number}")
    os.symlink(TARGET, f"{number}")
time.sleep(0.3)
managed(f"make {COUNT} links")
