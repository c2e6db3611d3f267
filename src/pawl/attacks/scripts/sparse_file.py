"""Claim a terabyte with a file that is empty.

kind: resources
stopped by: file size limit
ends: disk-full
control: no, it is a bomb
"""

import os

from attacker import OUT, managed, spare_the_host, tried

spare_the_host()
tried("make a file of a terabyte")
(OUT / "model.npy").touch()
os.truncate(OUT / "model.npy", 2**40)
managed("make a file of a terabyte")
