"""The filter is what the kernel would run: here its instructions are run on calls, one by one."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from pawl.errors import SandboxError
from pawl.sandboxes import calls, seccomp

pyseccomp = pytest.importorskip("pyseccomp", exc_type=Exception, reason="libseccomp is not installed")

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x50000 | 1, 0x50000 | 38
WIDE = 1 << 32
"""A bit that the kernel does not look at, in an argument of 32 bits."""
NEEDED = (
    "openat read write mmap futex clone execve wait4 newfstatat pread64 sched_getaffinity getrandom rseq epoll_pwait"
)
REFUSED = """ 
    mount umount2 move_mount fsopen fsmount open_tree mount_setattr pivot_root chroot ptrace process_vm_readv
    process_vm_writev kcmp pidfd_getfd keyctl add_key request_key bpf userfaultfd io_uring_setup io_uring_enter
    io_uring_register unshare setns init_module finit_module delete_module kexec_load kexec_file_load reboot swapon
    swapoff perf_event_open open_by_handle_at name_to_handle_at memfd_create memfd_secret shmget shmat shmctl msgget
    msgsnd semget semop quotactl syslog acct sethostname setdomainname settimeofday clock_settime adjtimex clock_adjtime
    iopl ioperm modify_ldt splice tee vmsplice setuid setgid setresuid setgroups setfsuid capset fanotify_init
    lookup_dcookie nfsservctl uselib vhangup personality mbind migrate_pages move_pages seccomp landlock_create_ruleset
    chown fchown fchownat lchown setxattr mq_open process_madvise clone3
"""


def run(program: bytes, call: int, *arguments: int, arch: int | None = None) -> int:
    """What a filter answers to a call: a small machine for the instructions that filters are made of."""
    data = struct.pack("<iIQ6Q", call, arch or pyseccomp.system_arch(), 0, *(*arguments, *[0] * 6)[:6])
    code = list(struct.iter_unpack("<HBBI", program))
    at = accumulator = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = int.from_bytes(data[value : value + 4], "little")
        elif operation == 0x54:
            accumulator &= value
        elif operation == 0x05:
            at += value
        elif operation == 0x06:
            return int(value)
        else:
            met = {0x15: accumulator == value, 0x25: accumulator > value, 0x35: accumulator >= value}[operation]
            at += yes if met else no


def number(name: str) -> int:
    return int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))


def answer(name: str, *arguments: int, gpu: bool = False) -> int:
    return run(seccomp.program(gpu), number(name), *arguments)


@pytest.mark.parametrize("name", NEEDED.split())
def test_what_training_needs_passes(name: str) -> None:
    assert answer(name) == ALLOW


@pytest.mark.parametrize("gpu", [False, True])
def test_what_it_does_not_need_is_refused(gpu: bool) -> None:
    for name in (name for name in REFUSED.split() if number(name) >= 0):
        assert answer(name, gpu=gpu) in (EPERM, ENOSYS), name


def test_every_other_call_there_is_or_will_be_is_refused() -> None:
    conditional = {number(name) for name in ("clone", "personality", "prlimit64", "mknod", "mknodat", "socket")}
    conditional |= {number(name) for name in ("socketpair", "ioctl")}
    allowed = {number(name) for name in calls.ALLOWED} | conditional
    for call in (call for call in range(2000) if call not in allowed):
        expected = ENOSYS if call in range(424, 512) or call == number("clone3") else EPERM
        assert run(seccomp.program(False), call) == expected, call


def test_a_call_of_another_architecture_ends_the_process() -> None:
    x86, x32 = pyseccomp.Arch.X86, 0x40000000
    assert run(seccomp.program(False), number("read"), arch=x86) == KILL
    if pyseccomp.system_arch() == pyseccomp.Arch.X86_64:
        assert run(seccomp.program(False), number("read") | x32) == KILL


@pytest.mark.parametrize("shift", [17, *range(25, 31)])
def test_no_new_namespace_by_clone(shift: int) -> None:
    threads = 0x3D0F00
    assert answer("clone", threads) == ALLOW
    assert answer("clone", threads | 1 << shift) == EPERM
    assert answer("clone", threads | 1 << shift | WIDE) == EPERM


def sockets() -> Iterator[tuple[int, int]]:
    yield from ((family, kind) for family in range(50) for kind in range(11))


def test_sockets_are_of_three_families_and_never_raw() -> None:
    allowed = {(family, kind) for family, kind in sockets() if answer("socket", family, kind) == ALLOW}
    assert allowed == {(1, 1), (1, 2), (1, 5), (2, 1), (2, 2), (10, 1), (10, 2)}
    assert answer("socket", 2, 1 | 0o2004000) == ALLOW  # close on exec, not blocking
    assert answer("socket", 2, 3 | 0o2004000) == EPERM
    assert answer("socketpair", 1, 1) == ALLOW
    assert answer("socketpair", 2, 1) == EPERM


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("request_", [0x5412, 0x541C])
def test_nobody_types_into_a_terminal_whatever_the_upper_half_says(gpu: bool, request_: int) -> None:
    assert answer("ioctl", 1, request_, gpu=gpu) == EPERM
    assert answer("ioctl", 1, request_ | WIDE, gpu=gpu) == EPERM


def test_requests_to_devices_pass_only_where_there_are_devices() -> None:
    nvidia, drm = 0xC020462A, 0xC0406400
    for request in (nvidia, drm, 0x30000001, 27):
        assert answer("ioctl", 3, request) == EPERM
        assert answer("ioctl", 3, request, gpu=True) == ALLOW
    assert answer("ioctl", 1, 0x5401) == answer("ioctl", 1, 0x541B) == ALLOW


def test_a_fifo_may_be_made_and_a_device_may_not() -> None:
    assert answer("mknodat", -100 & 0xFFFFFFFF, 0, 0o010644) == ALLOW
    assert {answer("mknodat", 0, 0, kind | 0o600) for kind in (0o020000, 0o060000)} == {EPERM}


def test_limits_are_its_own_and_its_personality_stays() -> None:
    assert answer("prlimit64", 0, 7) == ALLOW
    assert answer("prlimit64", 1, 7) == EPERM
    assert answer("personality", 0xFFFFFFFF) == ALLOW
    assert answer("personality", 0x0400000) == EPERM


def test_without_the_library_there_is_no_program_and_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "pyseccomp", None)
    seccomp.program.cache_clear()
    with pytest.raises(SandboxError, match="not installed") as refused:
        seccomp.program(False)
    assert refused.value.hint == "apt install libseccomp2"


def test_what_training_needs_has_a_number_on_arm_too() -> None:
    known = {name for name in calls.ALLOWED if pyseccomp.resolve_syscall(pyseccomp.Arch.AARCH64, name) >= 0}
    assert set(NEEDED.split()) - {"clone"} <= known
    assert len(known) > 130
