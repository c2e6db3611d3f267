"""Which walls really held: read from what the kernel says of the first process inside, before any task ran there.

Nothing is claimed because it was asked for. What nobody could see is not in the list.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pawl.sandboxes.outputs import LONGEST_HEADER

CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
LONGEST = 2**14
NAMESPACES = {
    "user": "user namespace", "mnt": "mount namespace", "pid": "process namespace", "net": "network namespace",
    "ipc": "ipc namespace", "uts": "host name namespace", "cgroup": "cgroup namespace",
}  # fmt: skip


def split(stream: bytes) -> tuple[dict[str, str], bytes]:
    """The first member of a stream, if it is the supervisor's account of the walls; what follows it.

    It was sent before the task existed, so the task had no hand in it. Empty if there is none."""
    end = stream.find(b"\n", 0, LONGEST_HEADER)
    words = stream[: max(end, 0)].split(b" ")
    if len(words) != 3 or words[0] != b"walls" or not words[1].isdigit() or int(words[1]) > LONGEST:
        return {}, stream
    stop = end + 1 + int(words[1])
    lines = stream[end + 1 : stop].decode(errors="replace").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, colon, value in pairs if colon}, stream[stop:]


def seen(status: Mapping[str, str]) -> tuple[str, ...]:
    """The walls that the account of the supervisor shows."""
    held = list(namespaces(status))
    if held and set(status.get("Interfaces", "?").split()) <= {"lo"}:
        held.append("no network")
    if status.get("Seccomp") == "2":
        held.append("seccomp filter")
    if status.get("NoNewPrivs") == "1":
        held.append("no new privileges")
    if all(set(status.get(name, "?")) == {"0"} for name in CAPABILITIES):
        held.append("no capabilities")
    if "0" not in status.get("Uid", "0").split():
        held.append("unprivileged user")
    if status.get("Inherited") == "0":
        held.append("no inherited descriptors")
    if status.get("Hidden") == "1" and status.get("First") == "1":
        held.append("supervisor out of reach")
    return tuple(held)


def namespaces(status: Mapping[str, str]) -> tuple[str, ...]:
    """The namespaces whose numbers inside differ from those of this process; or that there is a kernel of its own."""
    here = os.uname()
    if status.get("Kernel", "") not in ("", f"{here.release} {here.version}"):
        return ("kernel of its own",)
    return tuple(
        word for kind, word in NAMESPACES.items()
        if (inside := status.get(f"Namespace-{kind}")) and inside != os.readlink(f"/proc/self/ns/{kind}")
    )  # fmt: skip
