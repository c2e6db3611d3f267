"""The system calls that training needs, and no others: the list behind the kernel filter (see seccomp.py).

Chosen for Python, NumPy, PyTorch, threads and multiprocessing. Not here, on purpose, among others: mounts, new
namespaces, ptrace and process_vm_*, keys, bpf, userfaultfd, io_uring, modules, perf, handles to files, anonymous memory
files and System V memory (they hide from simple accounts of memory), splice, clocks, quotas, and every way to change
who one is. A name that this machine's architecture does not have is passed over.
"""

from __future__ import annotations

FILES = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat creat close close_range lseek
    stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getdents getdents64
    getcwd chdir fchdir rename renameat renameat2 mkdir mkdirat rmdir link linkat unlink unlinkat symlink symlinkat
    chmod fchmod fchmodat fchmodat2 umask utime utimes utimensat futimesat truncate ftruncate fallocate fadvise64
    sendfile copy_file_range fsync fdatasync sync_file_range flock fcntl dup dup2 dup3 pipe pipe2 getxattr lgetxattr
    fgetxattr listxattr llistxattr flistxattr
"""
WAITING = """
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2
    signalfd signalfd4 timerfd_create timerfd_settime timerfd_gettime timer_create timer_settime timer_gettime
    timer_getoverrun timer_delete setitimer getitimer alarm pause nanosleep clock_nanosleep clock_gettime clock_getres
    gettimeofday time futex futex_waitv restart_syscall
"""
MEMORY = "brk mmap munmap mprotect mremap madvise msync mincore mlock mlock2 munlock membarrier get_mempolicy"
PROCESSES = """
    fork vfork execve exit exit_group wait4 waitid kill tkill tgkill pidfd_open pidfd_send_signal rt_sigaction
    rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo
    sigaltstack set_tid_address set_robust_list get_robust_list rseq arch_prctl prctl getpid getppid gettid getpgid
    getpgrp setpgid getsid setsid getuid geteuid getresuid getgid getegid getresgid getgroups capget getrlimit
    setrlimit getrusage times sysinfo uname getcpu getrandom getpriority setpriority sched_yield sched_getaffinity
    sched_setaffinity sched_getscheduler sched_getparam sched_getattr sched_get_priority_max sched_get_priority_min
    sched_rr_get_interval
"""
SOCKETS = """
    bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt sendto recvfrom sendmsg recvmsg
    sendmmsg recvmmsg shutdown
"""
ALLOWED = tuple(f"{FILES} {WAITING} {MEMORY} {PROCESSES} {SOCKETS}".split())

FIRST_NEW = 424
"""From here on a number means the same call on every architecture."""
LAST_NEW = 511
"""Numbers up to here that are not allowed answer "no such call", as an older kernel would: libraries then fall back."""
ABSENT = ("clone3",)
"""Its flags lie in memory, where no filter can look; the C library falls back to clone, whose flags it can."""

NEW_NAMESPACE = 0x7E020000
"""Every CLONE_NEW* flag of clone: mounts, cgroups, host name, IPC, users, processes, network."""
FILE_TYPE, FIFO, SOCKET, REGULAR = 0o170000, 0o010000, 0o140000, 0o100000
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
SOCKET_TYPE, STREAM, DATAGRAM, SEQUENCED = 0xF, 1, 2, 5
WORD = 0xFFFFFFFF
"""The kernel looks at the lower half of such an argument only, so a filter must too."""
QUERY_PERSONALITY = WORD

TERMINAL = 0x54
"""The type byte of terminal requests. Of these only the ones below: TIOCSTI types into a terminal, TIOCLINUX too."""
REQUESTS = (0x5401, 0x5402, 0x5403, 0x5404, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x5452)
"""Get and set a terminal's mode, its group and size; bytes to read; blocking, asynchronous, close on exec."""
