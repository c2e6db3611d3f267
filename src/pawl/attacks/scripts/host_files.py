"""Leave a file in the host's folders, and change one there.

kind: escape
stopped by: mount namespace
"""

import os

from attacker import TOLD, look


def drop(folder: str) -> int:
    with open(os.path.join(folder, TOLD["drop"]), "w") as file:
        return file.write("x")


def change() -> int:
    with open(TOLD["secrets"]["host file"], "r+") as file:
        return file.write("changed")


for folder in TOLD["drops"]:
    look(f"write into {folder}", lambda folder=folder: drop(folder))
look("change a file of the host", change)
