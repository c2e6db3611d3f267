"""Stop or kill the process that watches from inside, so that nobody ends the run or hands out files.

kind: survival
stopped by: the watch outside
ends: timed-out, crashed
control: no, without a sandbox the parent is Pawl itself
wall: 2
"""

import os
import signal
import time

from attacker import managed, refused, tried

tried(f"stop process {os.getppid()}")
try:
    os.kill(os.getppid(), signal.SIGSTOP)
except OSError as error:
    refused("stop the supervisor", error.strerror)
time.sleep(20)
managed("live for 20 s")
