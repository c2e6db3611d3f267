"""Burn more CPU than was agreed, in several processes, ignoring the warning.

kind: resources
stopped by: CPU limit
ends: timed-out
control: no, it is a bomb
"""

import os
import signal
import time

from attacker import managed, spare_the_host, tried

spare_the_host()
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
tried("burn 8 s of CPU")
for _ in range(3):
    if os.fork() == 0:
        break
end = time.process_time() + 2
while time.process_time() < end:
    pass
try:
    while os.wait():
        pass
except ChildProcessError:
    managed("burn 8 s of CPU")
