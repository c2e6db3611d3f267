"""Change settings of the kernel (the program that it starts when another one crashes), or reboot it by sysrq.

kind: escape
stopped by: unprivileged user
control: root
"""

from attacker import attempt, open_only

for name in ("kernel/core_pattern", "kernel/modprobe", "kernel/hostname", "vm/overcommit_memory", "fs/suid_dumpable"):
    attempt(f"open {name}", lambda name=name: open_only(f"/proc/sys/{name}"))
attempt("open /proc/sysrq-trigger", lambda: open_only("/proc/sysrq-trigger"))
