"""Write more into the output folder than it may.

kind: resources
stopped by: sized tmpfs
ends: disk-full
control: no, it is a bomb
"""

from attacker import OUT, TOLD, managed, spare_the_host, tried

spare_the_host()
wanted, piece = 4 * TOLD["limits"]["disk"], bytes(2**18)
tried(f"write {wanted // 2**20} MiB in files of a quarter")
for number in range(wanted // len(piece)):
    (OUT / f"{number}.txt").write_bytes(piece)
managed(f"write {wanted // 2**20} MiB")
