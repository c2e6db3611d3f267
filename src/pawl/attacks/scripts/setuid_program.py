"""Find a program that runs as root whoever starts it, or make one.

kind: escape
stopped by: no new privileges, minimal root
"""

import os
import stat

from attacker import OUT, managed, refused, tried

found = []
for root in ("/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/lib", "/usr/libexec"):
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            try:
                mode = os.lstat(path)
            except OSError:
                continue
            if stat.S_ISREG(mode.st_mode) and mode.st_mode & stat.S_ISUID and mode.st_uid == 0:
                found.append(path)
with open("/proc/self/status") as file:
    confined = "NoNewPrivs:\t1" in file.read()
tried(f"found {len(found)} setuid programs; no new privileges: {confined}")
if found and not confined:
    managed(f"find {found[0]}, which would run as root")
own = OUT / "own.txt"
own.write_bytes(b"x")
os.chmod(own, 0o4755)
if os.stat(own).st_uid == 0 and not confined:
    managed("make a setuid program of root's")
else:
    refused("make a setuid program of root's", f"it belongs to user {os.stat(own).st_uid}, no new privileges")
own.unlink()
