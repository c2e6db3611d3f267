"""Climb out through a second chroot, as root can.

kind: escape
stopped by: no capabilities
control: root
"""

import os

from attacker import TOLD, attempt, in_child, look, read

path = TOLD["secrets"]["host file"]


def climb() -> None:
    os.makedirs("/tmp/pawl-jail", exist_ok=True)
    above = os.open("/", os.O_RDONLY)
    try:
        os.chroot("/tmp/pawl-jail")
        os.fchdir(above)
        for _ in range(30):
            os.chdir("..")
        os.chroot(".")
        look(f"read {path} from outside", lambda: read(path))
    finally:
        os.fchdir(above)
        os.chroot(".")
        os.rmdir("/tmp/pawl-jail")


attempt("chroot", lambda: in_child(climb))
