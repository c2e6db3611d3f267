"""Talk to a run that trains at the same time: abstract sockets, loopback, shared memory, folders.

kind: channels
runs: 2 together
stopped by: namespaces of its own for each run
"""

import os
import secrets
import socket
import time

from attacker import PART, TOLD, look, tried

ABSTRACT, PORT, PATIENCE = f"\0{TOLD['mark']}", 47113, 2.0
folder = "/dev/shm" if TOLD["roots"] == ["/"] else TOLD["roots"][0]
path, end = os.path.join(folder, "pawl-parallel"), time.monotonic() + PATIENCE
if PART == 1:
    word = secrets.token_hex(8)
    print(f"sent {word}")
    with open(path, "w") as file:
        file.write(word)
    with socket.socket(socket.AF_UNIX) as server, socket.socket() as loopback:
        server.bind(ABSTRACT)
        server.listen()
        look("listen on the loopback", lambda: loopback.bind(("127.0.0.1", PORT)))
        loopback.listen()
        server.settimeout(PATIENCE)
        try:
            caller, _ = server.accept()
            caller.send(word.encode())
        except OSError:
            tried("nobody called")
    while time.monotonic() < end:
        time.sleep(0.05)
    os.unlink(path)
else:
    tried("wait for a message")
    while time.monotonic() < end:
        time.sleep(0.05)
        try:
            with open(path) as file:
                print(f"received {file.read()}")
                break
        except OSError:
            pass
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(ABSTRACT)
                print(f"received {client.recv(99).decode()}")
                break
        except OSError:
            pass
