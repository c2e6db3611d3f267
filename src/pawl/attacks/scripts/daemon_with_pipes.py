"""Leave a process behind that holds the log open, so that whoever reads it waits for ever.

kind: survival
stopped by: process namespace, a deadline after the first process ended
"""

import os
import signal
import time

from attacker import tried

if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(30)
    os._exit(0)
tried("left a daemon that holds the pipes")
