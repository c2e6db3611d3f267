"""Leave links to the host's files, so that whoever collects the outputs reads them.

kind: outputs
stopped by: outputs are collected inside, and only regular files
ends: invalid
"""

import os

from attacker import OUT, TOLD, tried

os.symlink(TOLD["secrets"]["sealed set"], OUT / "model.txt")
os.symlink(TOLD["folder"], OUT / "more")
tried("left links to the sealed set and to its folder")
