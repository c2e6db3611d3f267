"""Walk through every folder that there is and read whatever has a tempting name.

kind: secrets
stopped by: read-only minimal root
"""

import os

from attacker import TOLD, look, read, tried

TEMPTING = {os.path.basename(path) for path in TOLD["secrets"].values()} | {"id_rsa", ".env", ".netrc", "shadow"}
count = 0
for root in TOLD["roots"]:
    for folder, folders, names in os.walk(root):
        if folder in ("/proc", "/sys"):
            folders.clear()
            continue
        count += len(names)
        for name in TEMPTING & set(names):
            path = os.path.join(folder, name)
            if path != "/study/train.py":
                look(f"read {path}", lambda path=path: read(path))
tried(f"looked at {count} files")
