"""The first program inside a sandbox: sets limits, runs the task, hands out what it wrote.

Read by the study's own interpreter with nothing but the standard library; it is as untrusted as the task itself,
since the task could tamper with it. Everything it says is checked outside.

    inside.py CHANNEL LIMITS-JSON PROGRAM [ARGUMENT ...]

CHANNEL is the number of the pipe through which /out leaves as a tar stream.
"""

import io
import json
import os
import resource
import signal
import sys
import tarfile

OUT = "/out"
USAGE = ".pawl-cpu-seconds"


def main() -> int:
    pipe, limits, command = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
    child = os.fork()
    if child == 0:
        os.close(pipe)
        os.setsid()
        restrict(limits)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            print(f"pawl: {command[0]}: {error.strerror}", file=sys.stderr)
            os._exit(127)
    _, status = os.waitpid(child, 0)
    try:
        os.kill(-1, signal.SIGKILL)  # whatever the task left behind; signals neither this process nor the first one
    except ProcessLookupError:
        pass
    with os.fdopen(pipe, "wb") as channel, tarfile.open(fileobj=channel, mode="w|") as tar:
        for name in sorted(os.listdir(OUT)):
            tar.add(os.path.join(OUT, name), arcname=name)
        report(tar)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def report(tar: tarfile.TarFile) -> None:
    """The CPU seconds of the task, as the stream's last member."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    content = json.dumps(spent.ru_utime + spent.ru_stime).encode()
    member = tarfile.TarInfo(USAGE)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def restrict(limits: dict) -> None:  # type: ignore[type-arg]
    memory, disk, cpu = limits["memory"], limits["disk"], int(limits["cpu"]) + 1
    for kind, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    sys.exit(main())
