"""What a hostile program would try first, each attempt a line of JSON: {"name": true if it succeeded}.

Run inside a sandbox by `pawl doctor` and by the tests, with nothing but the standard library. Arguments: the pid of
a host process, the port of a listener on the host's loopback, and the path of a file on the host.
"""

import ctypes
import errno
import fcntl
import glob
import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial

libc = ctypes.CDLL(None, use_errno=True)
ARM = os.uname().machine == "aarch64"
MS_REMOUNT_BIND = 32 | 4096
CLONE_NEWUSER = 0x10000000
BAD = 1  # an address where nothing is
SIGCHLD = int(signal.SIGCHLD)

CALLS: dict[str, list[tuple[tuple[int, int], tuple[int, ...]]]] = {
    # what would be reached: (number on x86-64, on ARM), arguments that do no harm even to someone who may
    "use the new mount calls": [((430, 430), (BAD, 0)), ((428, 428), (0, BAD, 0)), ((442, 442), (0, BAD, 0, BAD, 9))],
    "change the root folder": [((155, 41), (BAD, BAD)), ((161, 51), (BAD,))],
    "ptrace": [((101, 117), (16, 1, 0, 0)), ((101, 117), (0, 0, 0, 0))],
    "read another process's memory": [((310, 270), (1, BAD, 1, BAD, 1, 0)), ((311, 271), (1, BAD, 1, BAD, 1, 0))],
    "take another process's descriptor": [((438, 438), (0, 0, 0)), ((312, 272), (1, 1, 0, 0, 0))],
    "keyctl": [((250, 219), (0, -4 & 2**64 - 1, 1)), ((248, 217), (BAD, BAD, 0, 0, 0)), ((249, 218), (BAD, BAD, 0, 0))],
    "bpf": [((321, 280), (0, BAD, 8)), ((321, 280), (5, BAD, 48))],
    "userfaultfd": [((323, 282), (os.O_CLOEXEC | 1,)), ((323, 282), (os.O_CLOEXEC,))],
    "io_uring": [((425, 425), (1, BAD)), ((426, 426), (0, 0, 0, 0)), ((427, 427), (0, 0, 0, 0))],
    "join a namespace": [((308, 268), (0, 0))],
    "make a namespace by clone3": [((435, 435), (BAD, 64))],
    "load a kernel module": [((175, 105), (BAD, 0, BAD)), ((313, 273), (0, BAD, 0)), ((176, 106), (BAD, 0))],
    "load another kernel": [((246, 104), (0, 0, 0, 2**32))],
    "reboot": [((169, 142), (0, 0, 0, 0))],
    "swap": [((167, 224), (BAD, 0)), ((168, 225), (BAD,))],
    "perf_event_open": [((298, 241), (BAD, 0, 2**64 - 1, 2**64 - 1, 0))],
    "open a file by its handle": [((304, 265), (0, BAD, 0)), ((303, 264), (0, BAD, BAD, BAD, 0))],
    "make an anonymous memory file": [((319, 279), (BAD, 0)), ((447, 447), (0,))],
    "make System V memory": [((29, 194), (0, 4096, 0o1600)), ((68, 186), (0, 0o1600)), ((64, 190), (0, 1, 0o1600))],
    "change its personality": [((135, 92), (0x40000,))],
    "disk quotas": [((179, 60), (0, 0, 0, 0))],
    "read the kernel's log": [((103, 116), (10, 0, 0))],
    "process accounting": [((163, 89), (BAD,))],
    "set the clock": [((164, 170), (BAD, 0)), ((227, 112), (0, BAD)), ((159, 171), (BAD,))],
    "reach hardware ports": [] if ARM else [((172, -1), (0,)), ((173, -1), (0, 0, 0)), ((154, -1), (0, BAD, 0))],
    "splice pipes": [((275, 76), (0, 0, 0, 0, 0, 0)), ((278, 75), (0, BAD, 1, 0))],
    "filter or fence by itself": [((317, 277), (9, 0, 0)), ((444, 444), (BAD, 0, 1))],
}
SOCKETS = {
    "open a raw socket": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "open a raw socket of IPv6": (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
    "open a packet socket": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "open a packet socket the old way": (socket.AF_INET, 10, 0),
    "open a netlink socket": (socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "open a vsock socket": (socket.AF_VSOCK, socket.SOCK_STREAM, 0),
    "open a socket to the kernel's ciphers": (socket.AF_ALG, socket.SOCK_SEQPACKET, 0),
}


def attempt(name: str, action: Callable[[], object]) -> None:
    try:
        succeeded = action() is not False
    except (OSError, AttributeError, ValueError):
        succeeded = False
    print(json.dumps({name: succeeded}), flush=True)


def reached(call: tuple[int, int], arguments: tuple[int, ...]) -> bool:
    """Whether a system call got past every wall: it worked, or the kernel complains of its arguments."""
    ctypes.set_errno(0)
    words = [ctypes.c_ulong(argument) for argument in arguments]
    return libc.syscall(ctypes.c_long(call[ARM]), *words) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS)


def any_reached(calls: list[tuple[tuple[int, int], tuple[int, ...]]]) -> bool:
    """The same of several, each in a process of its own."""
    return any(in_child(partial(reached, *call)) for call in calls)


def open_socket(family: int, kind: int, protocol: int) -> None:
    socket.socket(family, kind, protocol).close()


def old_call() -> bool:
    """Ask for the process's number by the 32-bit door of a 64-bit kernel, and by x32's."""
    if ARM:
        return False
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, getpid; int 0x80; ret
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    return in_child(lambda: function() > 0) or in_child(lambda: libc.syscall(0x40000000 | 39) > 0)


def type_into_a_terminal() -> bool:
    """Ask for it on the standard input, which is none; a filter says no before that is looked at."""
    for request in (0x5412, 0x541C, 0x5412 | 1 << 32):
        if libc.ioctl(0, ctypes.c_ulong(request), b"x") >= 0 or ctypes.get_errno() != errno.EPERM:
            return True
    return False


def clone_namespace() -> bool:
    child = libc.syscall(ctypes.c_long((56, 220)[ARM]), *map(ctypes.c_ulong, (CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)))
    if child == 0:
        os._exit(0)
    if child > 0:
        os.waitpid(child, 0)
    return bool(child > 0)


def supervisor() -> bool:
    """Look into the process that started this one."""
    boss = os.getppid()
    return any(os.access(f"/proc/{boss}/{name}", os.R_OK) for name in ("fd", "mem", "environ")) or bool(
        os.listdir(f"/proc/{boss}/fd")
    )


def inherited() -> bool:
    """Whether a descriptor is open beyond the first three (the list's own aside)."""
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            fcntl.fcntl(number, fcntl.F_GETFD)
        except OSError:
            continue
        if number > 2:
            return True
    return False


def graphics() -> bool:
    return any(glob.glob(f"/dev/{pattern}") for pattern in ("nvidia*", "dri", "kfd"))


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
    attempt("make a namespace by clone", clone_namespace)
    for name, calls in CALLS.items():
        attempt(name, partial(any_reached, calls))
    for name, kind in SOCKETS.items():
        attempt(name, partial(open_socket, *kind))
    attempt("call the kernel as a 32-bit program", old_call)
    attempt("type into a terminal", type_into_a_terminal)
    attempt("inherit a descriptor", inherited)
    attempt("look into its supervisor", supervisor)
    attempt("see a graphics device", graphics)


if __name__ == "__main__":
    main(*sys.argv[1:4])
