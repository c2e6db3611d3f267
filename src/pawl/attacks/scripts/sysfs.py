"""Have the kernel start a program outside: uevent helper, release agent of control groups, firmware.

kind: escape
stopped by: no /sys
control: root
"""

import glob

from attacker import attempt, open_only

paths = ["/sys/kernel/uevent_helper", "/sys/kernel/uevent_seqnum", "/sys/module/firmware_class/parameters/path"]
paths += glob.glob("/sys/fs/cgroup/release_agent") + glob.glob("/sys/fs/cgroup/*/release_agent")
paths += ["/sys/fs/cgroup/cgroup.procs", "/sys/power/state"]
for path in paths:
    attempt(f"open {path}", lambda path=path: open_only(path))
