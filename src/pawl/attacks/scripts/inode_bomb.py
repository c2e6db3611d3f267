"""Use up the kernel's memory with files that are empty and so count for nothing.

kind: resources
stopped by: control group
ends: out-of-memory, crashed, disk-full
control: no, it is a bomb
"""

import os
import time

from attacker import managed, spare_the_host, tried

spare_the_host()

COUNT = 250_000  # each costs the kernel about a KiB, which is no byte of the file system's size
tried(f"make {COUNT} empty files")
for number in range(COUNT):
    if number % 5000 == 0:
        os.makedirs(f"/tmp/inodes/{number}")
        os.chdir(f"/tmp/inodes/{number}")
    os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY))
time.sleep(0.3)
managed(f"make {COUNT} empty files")
