"""Take twice the memory that it may have.

kind: resources
stopped by: memory limit
ends: out-of-memory
control: no, it is a bomb
"""

from attacker import TOLD, managed, spare_the_host, tried

spare_the_host()
size = 2 * TOLD["limits"]["memory"]
tried(f"take {size // 2**20} MiB")
kept = b"x" * size
managed(f"hold {len(kept) // 2**20} MiB")
