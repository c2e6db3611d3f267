"""Leave a process behind that outlives the run: another session, all signals ignored, nobody's child.

kind: survival
stopped by: process namespace, death with the launcher
"""

import os
import signal
import time

from attacker import tried

for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        os.closerange(0, 1024)
        time.sleep(30)
        os._exit(0)
tried("left three daemons")
