"""The kernel filter: a system call that is not on the list fails, whatever bug of the kernel it would have reached.

Deny by default, compiled by libseccomp for this machine's architecture; calls in another one's clothes (32-bit, x32)
end the process. It comes after the namespaces, and stands even if one of those has a hole.
"""

from __future__ import annotations

import errno
import functools
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pawl.errors import SandboxError
from pawl.sandboxes import calls

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import pyseccomp
except (ImportError, OSError, RuntimeError):  # it raises RuntimeError where the C library is not installed
    pyseccomp = None

FIX = "apt install libseccomp2"
Rule = tuple[str | int, tuple[Any, ...]]


@functools.cache
def program(gpu: bool) -> bytes:
    """The filter as the kernel reads it; with `gpu`, drivers' requests to devices pass.

    Raises SandboxError where libseccomp is missing."""
    if pyseccomp is None:
        raise SandboxError("libseccomp is not installed, and without it no system call is filtered", FIX)
    deny, absent = pyseccomp.ERRNO(errno.EPERM), pyseccomp.ERRNO(errno.ENOSYS)
    made = pyseccomp.SyscallFilter(deny)
    made.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.KILL_PROCESS)
    _try(lambda: made.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, 2))  # a tree, where the library knows how
    allowed = {number for name in calls.ALLOWED if (number := _number(name)) is not None}
    for number in sorted(allowed):
        made.add_rule(pyseccomp.ALLOW, number)
    for call, comparisons in _with_arguments(gpu):
        if _number(call) is not None:
            made.add_rule(pyseccomp.ALLOW, _number(call), *comparisons)
    missing = {number for name in calls.ABSENT if (number := _number(name)) is not None}
    for number in sorted((missing | set(range(calls.FIRST_NEW, calls.LAST_NEW + 1))) - allowed):
        made.add_rule(absent, number)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return file.read()


def _number(call: str | int) -> int | None:
    """A call's number here; None if this architecture, or this library, does not know it."""
    if isinstance(call, int):
        return call
    number: int = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, call)
    return number if number >= 0 else None


def _with_arguments(gpu: bool) -> Iterator[Rule]:
    """Calls that are allowed with some arguments only. Several lines for one call: any of them will do."""
    yield "clone", (_masked(0, calls.NEW_NAMESPACE, 0),)
    yield "personality", (_masked(0, calls.WORD, calls.QUERY_PERSONALITY),)
    yield "prlimit64", (_masked(0, calls.WORD, 0),)  # its own limits, not its supervisor's
    for kind in (calls.FIFO, calls.SOCKET, calls.REGULAR, 0):
        yield "mknod", (_masked(1, calls.FILE_TYPE, kind),)
        yield "mknodat", (_masked(2, calls.FILE_TYPE, kind),)
    for family in (calls.AF_UNIX, calls.AF_INET, calls.AF_INET6):
        for kind in (calls.STREAM, calls.DATAGRAM, *([calls.SEQUENCED] if family == calls.AF_UNIX else [])):
            yield "socket", (_masked(0, calls.WORD, family), _masked(1, calls.SOCKET_TYPE, kind))
    yield "socketpair", (_masked(0, calls.WORD, calls.AF_UNIX),)
    for request in calls.REQUESTS:
        yield "ioctl", (_masked(1, calls.WORD, request),)
    for bit in range(8, 16) if gpu else ():  # any request whose type byte differs from a terminal's in some bit
        flag = 1 << bit
        yield "ioctl", (_masked(1, flag, ~(calls.TERMINAL << 8) & flag),)


def _masked(argument: int, mask: int, value: int) -> Any:
    return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)


def _try(action: Callable[[], None]) -> None:
    try:
        action()
    except (OSError, ValueError):
        pass
