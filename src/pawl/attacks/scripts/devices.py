"""Make device nodes and read raw devices: disks, memory, the kernel's log.

kind: escape
stopped by: no capabilities, minimal /dev
control: root
"""

import os
import stat

from attacker import OUT, attempt, open_only, refused


def made(folder: str) -> None:
    path = os.path.join(folder, "pawl-device.txt")
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    try:
        with open(path, "rb") as zeros:
            assert zeros.read(8) == bytes(8)
    finally:
        os.unlink(path)


for folder in (str(OUT), "/dev/shm", "/tmp"):
    attempt(f"make a device in {folder}", lambda folder=folder: made(folder))
disks = [os.path.join("/dev", name) for name in os.listdir("/dev") if stat.S_ISBLK(os.lstat(f"/dev/{name}").st_mode)]
for path in [*disks[:3], "/dev/mem", "/dev/kvm", "/dev/fuse", "/dev/loop-control", "/dev/net/tun"]:
    attempt(f"open {path}", lambda path=path: open_only(path, os.O_RDONLY))
if not disks:
    refused("find a disk in /dev", "there is none")
