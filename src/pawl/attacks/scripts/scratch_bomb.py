"""Write more into /tmp and /dev/shm than the run may hold in memory.

kind: resources
stopped by: sized tmpfs
ends: disk-full, out-of-memory
control: no, it is a bomb
"""

from attacker import TOLD, managed, spare_the_host, tried

spare_the_host()
wanted, piece, written = 3 * TOLD["limits"]["memory"], bytes(2**22 - 1), 0
tried(f"write {wanted // 2**20} MiB")
number = 0
while written < wanted:
    with open(f"{('/tmp', '/dev/shm')[number % 2]}/{number}", "wb") as file:
        written += file.write(piece)
    number += 1
managed(f"write {wanted // 2**20} MiB")
