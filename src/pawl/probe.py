"""What a hostile program would try first, each attempt a line of JSON: {"name": true if it succeeded}.

Run inside a sandbox by `pawl doctor` and by the tests, with nothing but the standard library. Arguments: the pid of
a host process, the port of a listener on the host's loopback, and the path of a file on the host.
"""

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_TRACEME, SYS_KEYCTL, SYS_USERFAULTFD = 0, 250, 323
MS_REMOUNT_BIND = 32 | 4096
CLONE_NEWUSER = 0x10000000


def attempt(name: str, action: Callable[[], object]) -> None:
    try:
        succeeded = action() is not False
    except (OSError, AttributeError, ValueError):
        succeeded = False
    print(json.dumps({name: succeeded}), flush=True)


def write(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)  # opening is the crime; nothing is changed
    os.close(descriptor)


def create(path: str) -> None:
    with open(path, "w") as file:
        file.write("x")
    os.unlink(path)


def mount() -> bool:
    """Mount something; take it away again, since whoever can has to be told, not harmed."""
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0:
        return False
    libc.umount2(b"/tmp", 2)
    return True


def device() -> None:
    os.mknod("/tmp/pawl-probe-device", 0o600 | 0o020000, os.makedev(1, 1))
    os.unlink("/tmp/pawl-probe-device")


def remount() -> bool:
    for target in (b"/", b"/usr", b"/study", os.path.dirname(sys.executable).encode()):
        if not os.statvfs(target).f_flag & os.ST_RDONLY:
            continue  # there is no wall here to be tested
        if libc.mount(None, target, None, MS_REMOUNT_BIND, None) == 0:
            libc.mount(None, target, None, MS_REMOUNT_BIND | os.ST_RDONLY, None)
            return True
    return False


def in_child(action: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0 if action() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def connect(family: int, address: tuple[str, int]) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        client.connect(address)


def main(host_pid: str, port: str, host_file: str) -> None:
    attempt("remount a read-only folder read-write", remount)
    attempt("write a file of the host", lambda: create(host_file))
    attempt("write into the interpreter's folder", lambda: create(os.path.dirname(os.__file__) + "/pawl-probe"))
    attempt("write into /proc/sys", lambda: write("/proc/sys/kernel/core_pattern"))
    attempt("write a sysctl of the network", lambda: write("/proc/sys/kernel/hostname"))
    attempt("signal a host process", lambda: os.kill(int(host_pid), 0) if int(host_pid) > 3 else False)
    attempt("see host processes", lambda: len([p for p in os.listdir("/proc") if p.isdigit()]) > 8)
    attempt("reach the host's loopback", lambda: connect(socket.AF_INET, ("127.0.0.1", int(port))))
    attempt("reach another machine", lambda: connect(socket.AF_INET, ("192.0.2.1", 80)))
    attempt("see a network interface", lambda: [n for _, n in socket.if_nameindex() if n != "lo"] != [])
    attempt("make a user namespace", lambda: in_child(lambda: libc.unshare(CLONE_NEWUSER) == 0))
    attempt("mount a filesystem", mount)
    attempt("change the host name", lambda: libc.sethostname(name := os.uname().nodename.encode(), len(name)) == 0)
    attempt("become root", lambda: libc.setuid(0) == 0)
    attempt("make a device", device)
    attempt("read the password file", lambda: os.close(os.open("/etc/shadow", os.O_RDONLY)))
    attempt("read a home folder", lambda: os.listdir("/root") and os.listdir("/home"))
    attempt("inherit a secret from the environment", lambda: any("PAWL_SECRET" in name for name in os.environ))
    attempt("open a vsock socket", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close())
    attempt("userfaultfd", lambda: libc.syscall(SYS_USERFAULTFD, os.O_CLOEXEC | 1) >= 0)
    attempt("keyctl", lambda: libc.syscall(SYS_KEYCTL, 0, -4, 1) >= 0)
    attempt("ptrace", lambda: in_child(lambda: libc.ptrace(PTRACE_TRACEME, 0, None, None) == 0))
    signal.alarm(0)


if __name__ == "__main__":
    main(*sys.argv[1:4])
