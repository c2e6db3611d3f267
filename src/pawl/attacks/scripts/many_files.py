"""Leave more files than anybody can look at.

kind: resources
stopped by: limit of 1000 files
ends: invalid, disk-full
control: no, it is a bomb
"""

from attacker import OUT, spare_the_host, tried

spare_the_host()
for number in range(1500):
    (OUT / f"{number}.txt").touch()
tried("left 1500 files")
