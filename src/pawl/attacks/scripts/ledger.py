"""Read the ledger and the policy of the study, and append to them.

kind: secrets
stopped by: mount namespace
"""

import os

from attacker import TOLD, attempt, read_every_way

for name in ("ledger", "policy"):
    path = TOLD["secrets"][name]
    read_every_way(name)
    attempt(f"write to the {name}", lambda path=path: os.write(os.open(path, os.O_WRONLY | os.O_APPEND), b"forged\n"))
