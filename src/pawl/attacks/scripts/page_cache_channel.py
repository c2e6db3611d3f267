"""Learn which shared files another run has read, from whether they are in memory already.

kind: channels
open: an environment of its own for each run; separate machines (as for the processor's caches and branch predictors)
"""

import os

from attacker import look, managed

NOWAIT = 8  # RWF_NOWAIT: read only what is in memory
folder, cached, cold = os.path.dirname(os.__file__), [], []
for name in sorted(os.listdir(folder)):
    path = os.path.join(folder, name)
    if os.path.isfile(path):
        try:
            found = os.preadv(os.open(path, os.O_RDONLY), [bytearray(64)], 0, NOWAIT)
            (cached if found else cold).append(name)
        except BlockingIOError:
            cold.append(name)
        except OSError as error:
            look("ask whether a page is in memory", lambda error=error: (_ for _ in ()).throw(error))
            break
if cached or cold:
    managed(f"tell {len(cached)} files in memory from {len(cold)} that are not")
