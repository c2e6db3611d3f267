"""The first program inside a sandbox: says which walls it sees, sets limits, runs the task, hands out what it wrote.

Read by the study's own interpreter, and written to start fast: no import that takes milliseconds. It runs as the same
user as the task, so it hides from it (not dumpable, first of its processes); everything it says once the task has
started is checked outside all the same.

    inside.py CHANNEL MEMORY DISK CPU PROCESSES [NAME=VALUE ...] -- PROGRAM [ARGUMENT ...]

The task's environment is what is named here and nothing else. A byte `g` on the standard input lets it start: by then
those outside have it on their account; and when that input ends, they are gone, and so is everything here.
CHANNEL is the number of the pipe through which /out leaves (2: the task's errors then go where its output goes): for
every file a line `KIND SIZE LENGTH`, then LENGTH bytes of its name and SIZE bytes of content. KIND is `walls` (first,
sent before the task exists: /proc/self/status and what was done here), `file`, `other` (a link, a device: named, not
read), or, last, `cpu`, whose content is the task's CPU time in seconds.
"""

import _signal  # `signal` itself would import `enum`, which takes longer than all the rest
import _thread
import os
import resource
import stat
import sys

OUT = "/out"
GO = b"g"
CHUNK = 2**20
GET_DUMPABLE, SET_DUMPABLE = 3, 4


def main() -> int:
    if os.getpid() != 1:  # it ends every process that it can see: nowhere but in a sandbox of its own may it run
        os.write(2, b"pawl: inside.py is the first process of a sandbox, and this is none\n")
        return 2
    pipe, memory, disk, cpu, processes = (int(word) for word in sys.argv[1:6])
    end = sys.argv.index("--")
    environ, command = dict(word.split("=", 1) for word in sys.argv[6:end]), sys.argv[end + 1 :]
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # nothing that the task sends may raise an exception here
    send(pipe, "walls", b"", walls(pipe))
    if os.read(0, 1) != GO:
        return 1  # whoever watches could not make ready, or is no more
    child = os.fork()
    if child == 0:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        if pipe == 2:
            os.dup2(1, 2)
        else:
            os.close(pipe)
        os.setsid()
        restrict(memory, disk, cpu, processes)
        try:
            os.execvpe(command[0], command, environ)
        except OSError as error:
            os.write(2, f"pawl: {command[0]}: {error.strerror}\n".encode())
            os._exit(127)
    _thread.start_new_thread(leave_with_those_outside, ())
    status = reap(child)
    try:
        os.kill(-1, _signal.SIGKILL)  # whatever the task left behind
    except ProcessLookupError:
        pass
    hand_out(pipe, OUT, b"")
    reap(0)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    send(pipe, "cpu", b"", repr(spent.ru_utime + spent.ru_stime).encode())
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def leave_with_those_outside() -> None:
    os.read(0, 1)
    os._exit(1)


def walls(pipe: int) -> bytes:
    """What this process sees around itself, after it closed what it inherited and hid from its children to be."""
    os.closerange(3, pipe)
    os.closerange(max(3, pipe + 1), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    seen = {int(number) for number in os.listdir("/proc/self/fd")} - {0, 1, 2, pipe}
    inherited = [number for number in seen if os.path.exists(f"/proc/self/fd/{number}")]
    try:
        spaces = [
            f"Namespace-{kind}:\t{os.readlink('/proc/self/ns/' + kind)}\n" for kind in os.listdir("/proc/self/ns")
        ]
    except OSError:
        spaces = []  # gVisor does not show them all
    try:
        import _ctypes  # an optional extra of an interpreter; without it the task may see what its supervisor holds

        prctl = _ctypes.dlsym(_ctypes.dlopen("libc.so.6", 0), "prctl")
        _ctypes.call_function(prctl, (SET_DUMPABLE, 0, 0, 0, 0))
        hidden = int(_ctypes.call_function(prctl, (GET_DUMPABLE, 0, 0, 0, 0)) == 0)
    except (ImportError, OSError, AttributeError):
        hidden = 0
    with open("/proc/net/dev") as file:
        interfaces = " ".join(line.split(":")[0].strip() for line in file if ":" in line)
    own = f"Kernel:\t{os.uname().release} {os.uname().version}\nInterfaces:\t{interfaces}\n"
    own += f"Inherited:\t{len(inherited)}\nHidden:\t{hidden}\nFirst:\t{int(os.getpid() == 1)}\n"
    with open("/proc/self/status", "rb") as file:
        return file.read() + (own + "".join(spaces)).encode()


def reap(child: int) -> int:
    """The status of a child, once it has ended; others are waited for on the way. 0: until none is left."""
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return 0
        if pid == child:
            return status


def restrict(memory: int, disk: int, cpu: int, processes: int) -> None:
    for kind, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),
    ):
        if value or kind == resource.RLIMIT_CORE:  # 0: kept by those outside
            resource.setrlimit(kind, (value, value))


def hand_out(pipe: int, folder: str, prefix: bytes) -> None:
    """Send everything below a folder, names as raw bytes."""
    for name in sorted(os.listdir(os.fsencode(folder))):
        path, inside = os.fsencode(folder) + b"/" + name, prefix + name
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            hand_out(pipe, os.fsdecode(path), inside + b"/")
        elif stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            with open(path, "rb", buffering=0) as file:
                put(pipe, f"file {found.st_size} {len(inside)}\n".encode() + inside)
                while chunk := file.read(CHUNK):  # never a whole file: its memory is on the task's account
                    put(pipe, chunk)
        else:
            send(pipe, "other", inside, b"")


def send(pipe: int, kind: str, name: bytes, content: bytes) -> None:
    put(pipe, f"{kind} {len(content)} {len(name)}\n".encode() + name + content)


def put(pipe: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(pipe, rest) :]


if __name__ == "__main__":
    os._exit(main())  # there is nothing to clean up
