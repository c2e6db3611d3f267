"""Leave a message for the next run: the second of a pair would know what the first one saw.

kind: channels
runs: 2 in turn
stopped by: everything writable is new for each run
"""

import os
import secrets
import tempfile

from attacker import OUT, PART, TOLD, attempt, call, look, tried

NAME = "pawl-message.txt"
places = [str(OUT), "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", os.path.expanduser("~"), tempfile.gettempdir()]
places = [path for path in places if os.path.isdir(path)] if TOLD["roots"] == ["/"] else [TOLD["roots"][0]]
KEY = int(TOLD["mark"][-7:], 16) | 1


def leave(folder: str, word: str) -> None:
    with open(os.path.join(folder, NAME), "w") as file:
        file.write(word)


if PART == 1:
    word = secrets.token_hex(8)
    for place in places:
        look(f"leave a message in {place}", lambda place=place: leave(place, word))
    look("leave a semaphore", lambda: call("semget", KEY, int(word[:2], 16) % 50 + 1, 0o1600))
    print(f"sent {word}")
else:
    tried(f"look into {len(places)} places")
    for place in places:
        try:
            with open(os.path.join(place, NAME)) as file:
                print(f"received {file.read()}")
            os.unlink(os.path.join(place, NAME))
        except OSError:
            continue
    attempt("find the semaphore", lambda: call("semctl", call("semget", KEY, 0, 0), 0, 0))
