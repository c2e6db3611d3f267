"""Make mount, network, process and host name namespaces, and join those of the host.

kind: escape
stopped by: no capabilities, process namespace
control: root
"""

import os

from attacker import TOLD, attempt, call, in_child

FLAGS = {"mount": 0x20000, "host name": 0x4000000, "network": 0x40000000, "ipc": 0x8000000, "process": 0x20000000}
for name, flag in FLAGS.items():
    attempt(f"unshare a {name} namespace", lambda flag=flag: in_child(lambda: call("unshare", flag)))


def join(name: str) -> None:
    descriptor = os.open(f"/proc/{TOLD['victim']}/ns/{name}", os.O_RDONLY)
    call("setns", descriptor, 0)


for name in ("mnt", "net", "ipc", "uts"):
    attempt(f"join the host's {name} namespace", lambda name=name: in_child(lambda: join(name)))
