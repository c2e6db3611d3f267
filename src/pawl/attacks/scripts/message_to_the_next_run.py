"""Leave a message for the next run: the second of a pair would know what the first one saw.

kind: channels
runs: 2 in turn
stopped by: everything writable is new for each run
"""

import os
import secrets
import socket
import tempfile

from attacker import OUT, PART, TOLD, call, look, tried

NAME = "pawl-message"
places = [str(OUT), "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", os.path.expanduser("~"), tempfile.gettempdir()]
places = [path for path in places if os.path.isdir(path)] if TOLD["roots"] == ["/"] else [TOLD["roots"][0]]
KEY = 0x7061776C


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
        except OSError:
            continue
    look("find the semaphore", lambda: call("semget", KEY, 0, 0))
    look("find anybody", lambda: socket.gethostname())
