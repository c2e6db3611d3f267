"""The first program inside a sandbox: sets limits, runs the task, hands out what it wrote.

Read by the study's own interpreter, and written to start fast: no import that takes milliseconds. It is as untrusted
as the task itself, since the task could tamper with it; everything it says is checked outside.

    inside.py CHANNEL MEMORY DISK CPU PROCESSES PROGRAM [ARGUMENT ...]

CHANNEL is the number of the pipe through which /out leaves: for every file a line `KIND SIZE LENGTH`, then LENGTH
bytes of its name and SIZE bytes of content. KIND is `file`, `other` (a link, a device: named, not read), or, last,
`cpu`, whose content is the task's CPU time in seconds.
"""

import os
import resource
import signal
import stat
import sys

OUT = "/out"


def main() -> int:
    pipe, memory, disk, cpu, processes = (int(word) for word in sys.argv[1:6])
    command = sys.argv[6:]
    child = os.fork()
    if child == 0:
        os.close(pipe)
        os.setsid()
        restrict(memory, disk, cpu, processes)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(2, f"pawl: {command[0]}: {error.strerror}\n".encode())
            os._exit(127)
    _, status = os.waitpid(child, 0)
    try:
        os.kill(-1, signal.SIGKILL)  # whatever the task left behind; signals neither this process nor the first one
    except ProcessLookupError:
        pass
    hand_out(pipe, OUT, b"")
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    send(pipe, "cpu", b"", repr(spent.ru_utime + spent.ru_stime).encode())
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def restrict(memory: int, disk: int, cpu: int, processes: int) -> None:
    for kind, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def hand_out(pipe: int, folder: str, prefix: bytes) -> None:
    """Send everything below a folder, names as raw bytes."""
    for name in sorted(os.listdir(os.fsencode(folder))):
        path, inside = os.fsencode(folder) + b"/" + name, prefix + name
        mode = os.lstat(path).st_mode
        if stat.S_ISDIR(mode):
            hand_out(pipe, os.fsdecode(path), inside + b"/")
        elif stat.S_ISREG(mode) and os.lstat(path).st_nlink == 1:
            with open(path, "rb") as file:
                send(pipe, "file", inside, file.read())
        else:
            send(pipe, "other", inside, b"")


def send(pipe: int, kind: str, name: bytes, content: bytes) -> None:
    rest = memoryview(f"{kind} {len(content)} {len(name)}\n".encode() + name + content)
    while rest:
        rest = rest[os.write(pipe, rest) :]


if __name__ == "__main__":
    sys.exit(main())
