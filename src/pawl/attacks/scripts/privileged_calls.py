"""Make the system calls of administrators: reboot, modules, swap, host name, accounting.

kind: escape
stopped by: no capabilities
control: root
"""

import ctypes
import errno
import os

from attacker import libc, managed, refused

# Each with arguments that make no sense: EPERM comes first where the right is missing, another error where it is not.
CALLS = {
    "reboot": lambda: libc.syscall(*map(ctypes.c_long, (NUMBER["reboot"], 1, 2, 3, 0))),
    "init_module": lambda: libc.syscall(*map(ctypes.c_long, (NUMBER["init_module"], 0, 0, 0))),
    "delete_module": lambda: libc.syscall(ctypes.c_long(NUMBER["delete_module"]), b"pawl_no_module", 0),
    "swapon": lambda: libc.swapon(b"/nowhere", 0),
    "sethostname": lambda: libc.sethostname(None, ctypes.c_size_t(2**31)),
    "acct": lambda: libc.acct(b"/nowhere/at/all"),
    "pivot_root": lambda: libc.syscall(ctypes.c_long(NUMBER["pivot_root"]), b"/nowhere", b"/nowhere"),
}
NUMBER = {
    "x86_64": {"reboot": 169, "init_module": 175, "delete_module": 176, "pivot_root": 155},
    "aarch64": {"reboot": 142, "init_module": 105, "delete_module": 106, "pivot_root": 41},
}[os.uname().machine]
for name, action in CALLS.items():
    ctypes.set_errno(0)
    action()
    error = ctypes.get_errno()
    if error in (errno.EPERM, errno.EACCES, errno.ENOSYS):
        refused(name, errno.errorcode[error])
    else:
        managed(f"{name}: it is allowed ({errno.errorcode.get(error, error)})")
