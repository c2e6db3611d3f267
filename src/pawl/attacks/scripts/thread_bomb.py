"""Start threads without end.

kind: resources
stopped by: process limit
control: no, it is a bomb
"""

import threading

from attacker import TOLD, managed, refused, spare_the_host, tried

spare_the_host()
threading.stack_size(65536)
limit, ended = 4 * TOLD["limits"]["processes"], threading.Event()
tried(f"start {limit} threads")
try:
    for _ in range(limit):
        threading.Thread(target=ended.wait, daemon=True).start()
except RuntimeError as error:
    refused(f"start more than {threading.active_count()} threads", error)
if threading.active_count() > TOLD["limits"]["processes"]:
    managed(f"have {threading.active_count()} threads")
ended.set()
