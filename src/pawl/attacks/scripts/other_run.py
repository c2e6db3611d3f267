"""Read and change the files of another run.

kind: secrets
stopped by: mount namespace
"""

import os

from attacker import TOLD, attempt, look, read_every_way

path = TOLD["secrets"]["another run"]
read_every_way("another run")
attempt("change another run's file", lambda: os.write(os.open(path, os.O_WRONLY | os.O_APPEND), b"# poisoned\n"))
for folder in ("/var/cache/pawl/scratch", os.path.expanduser("~/.cache/pawl/scratch")):
    look(f"list {folder}", lambda folder=folder: os.listdir(folder))
