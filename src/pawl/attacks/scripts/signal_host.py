"""Send signals to a process of the host.

kind: escape
stopped by: process namespace
"""

import os
import signal

from attacker import TOLD, look


def by_descriptor() -> None:
    signal.pidfd_send_signal(os.pidfd_open(TOLD["victim"]), signal.SIGUSR2)


victim = TOLD["victim"]
look(f"signal {victim}", lambda: os.kill(victim, signal.SIGUSR1))
look(f"signal group {victim}", lambda: os.killpg(victim, signal.SIGHUP))
look(f"signal {victim} by descriptor", by_descriptor)
