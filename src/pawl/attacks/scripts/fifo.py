"""Leave a named pipe, at which whoever reads the outputs waits for ever.

kind: outputs
stopped by: only regular files are opened
ends: invalid
control: no, whoever collects it would wait for ever
"""

import os

from attacker import OUT, tried

os.mkfifo(OUT / "model.txt")
tried("left a fifo")
