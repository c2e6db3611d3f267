"""Print more than anybody can read or store.

kind: resources
stopped by: log limit
ends: output-flood
control: no, it is a bomb
"""

import os

from attacker import TOLD, managed, spare_the_host, tried

spare_the_host()
wanted = 8 * TOLD["limits"]["log"]
tried(f"print {wanted // 2**20} MiB")
for _ in range(wanted // 2**16):
    os.write(1, b"x" * 2**16)
managed(f"print {wanted // 2**20} MiB")
