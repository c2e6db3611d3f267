"""The program that an agent's sandbox runs around the agent: a copy to work in, the agent, and what it left.

Read by the study's own interpreter, with the standard library alone. It runs as the same user as the agent, which can
do to it what it likes: all that comes out is looked at as a stranger's.

    launch.py EDITABLE [EDITABLE ...] -- PROGRAM [ARGUMENT ...]
"""

import os
import shutil
import stat
import subprocess
import sys

GIVEN, WORK, OUT = "/study", "/tmp/work", "/out"
MOST = 100
"""Names of other files that are told."""


def main() -> int:
    end = sys.argv.index("--")
    editable, command = sys.argv[1:end], sys.argv[end + 1 :]
    shutil.copytree(GIVEN, WORK)
    for folder, _, names in os.walk(WORK):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
    status = subprocess.call(command, cwd=WORK)
    other = []
    for folder, _, names in os.walk(WORK):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), WORK)
            if path in editable:
                keep(path)
            elif changed(os.path.join(GIVEN, path), os.path.join(WORK, path)):
                other.append(path)
    with open(os.path.join(OUT, "other"), "w", encoding="utf-8", errors="replace") as file:
        file.write("\n".join(sorted(other)[:MOST]))
    return status if 0 <= status < 256 else 1


def changed(given: str, now: str) -> bool:
    return not os.path.lexists(given) or content(given) != content(now)


def keep(path: str) -> None:
    found = content(os.path.join(WORK, path))
    if found is not None:
        place = os.path.join(OUT, "files", path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(found)


def content(path: str) -> "bytes | None":
    """A regular file's bytes, up to a mebibyte; None for anything else."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return file.read(2**20 + 1)
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
