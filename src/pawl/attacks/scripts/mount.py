"""Mount something over what is there.

kind: escape
stopped by: no capabilities, no nested user namespaces
control: no, it would change what the host has mounted
"""

import os

from attacker import TOLD, attempt, call

name = TOLD["mark"].encode()
os.makedirs("/tmp/here", exist_ok=True)


def mount(kind: bytes, source: bytes, flags: int = 0) -> None:
    """Mount, be seen, unmount."""
    call("mount", source, b"/tmp/here", kind, flags, None)
    try:
        with open("/proc/self/mountinfo") as file:
            print("tried", [line for line in file if "/tmp/here" in line])
    finally:
        call("umount2", b"/tmp/here", 2)


attempt("mount a tmpfs", lambda: mount(b"tmpfs", name))
attempt("mount /proc anew", lambda: mount(b"proc", name))
attempt("mount sysfs", lambda: mount(b"sysfs", name))
attempt("bind a folder", lambda: mount(b"", b"/usr", 4096))
attempt("open a file system by fsopen", lambda: os.close(call("fsopen", b"tmpfs", 0)))
attempt("clone a mount by open_tree", lambda: os.close(call("open_tree", -100, b"/", 1)))
os.rmdir("/tmp/here")
attempt("unmount /study", lambda: call("umount2", b"/study", 2))
