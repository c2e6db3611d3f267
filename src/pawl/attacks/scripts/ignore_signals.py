"""Never end, and ignore every request to.

kind: survival
stopped by: wall-clock limit, SIGKILL
ends: timed-out
wall: 1.5
control: no, the same clock would end it
"""

import signal
import time

from attacker import managed, tried

for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_IGN)
tried("ignore all signals")
time.sleep(40)
managed("live for 40 s")
