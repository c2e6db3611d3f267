"""Fork without end.

kind: resources
stopped by: process limit
control: no, it is a bomb
"""

import os
import time

from attacker import TOLD, managed, refused, spare_the_host, tried

spare_the_host()
limit, count = TOLD["limits"]["processes"], 0
tried(f"fork {4 * limit} times")
for _ in range(4 * limit):  # bounded, lest it harms where there is no limit
    try:
        child = os.fork()
    except OSError as error:
        refused(f"fork after {count} children", error.strerror)
        break
    if child == 0:
        time.sleep(1)
        os._exit(0)
    count += 1
if count > limit:
    managed(f"have {count} children")
time.sleep(0.3)
