"""Learn what else runs on this machine, and when, from what the kernel tells everybody.

kind: channels
open: separate machines, or a virtual machine for each run; hiding /proc/stat and /proc/meminfo helps a little
"""

from attacker import managed, read, refused

for name in ("loadavg", "stat", "meminfo", "uptime", "sys/kernel/random/boot_id", "pressure/cpu"):
    try:
        found = read(f"/proc/{name}", 80).decode().split("\n")[0]
    except OSError as error:
        refused(f"read /proc/{name}", error.strerror)
    else:
        managed(f"read /proc/{name}: {found}") if name != "pressure/cpu" else None
