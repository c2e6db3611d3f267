"""Take the machine's time: raise the own priority, be scheduled in real time, be spared when memory runs out.

kind: escape
stopped by: no capabilities
control: root
"""

import os

from attacker import attempt, in_child

attempt("raise the own priority", lambda: in_child(lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)))
attempt("be scheduled in real time", lambda: in_child(
    lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
))  # fmt: skip


def spared() -> None:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-500")


attempt("be spared when memory runs out", lambda: in_child(spared))
