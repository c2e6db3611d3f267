"""Leave a hard link to a file of the host.

kind: outputs
stopped by: outputs lie on a file system of their own, and links are refused
ends: invalid, crashed
"""

import os

from attacker import OUT, TOLD, look

for number, path in enumerate((TOLD["secrets"]["sealed set"], "/study/train.py", os.__file__)):
    look(f"link {path}", lambda path=path, number=number: os.link(path, OUT / f"{number}.txt"))
(OUT / "a.txt").write_text("x")
os.link(OUT / "a.txt", OUT / "b.txt")
