"""The first of an agent's programs in its sandbox: carries a port of the loopback in there to the mounted socket.

Read by the study's own interpreter, and written to start fast. It is as untrusted as the agent itself, who may end it
or talk to the socket directly: all judging is done at the other end.

    bridge.py PORT SOCKET PROGRAM [ARGUMENT ...]

The port is open before the program starts. The program takes this process's place, so that its end is the task's; the
bridge is nobody's child, so that no program waits for it by mistake.
"""

import os
import selectors
import socket
import sys

CHUNK = 2**16
AT_ONCE = 16
"""Connections at a time, as many as are served at the other end. Others wait to be accepted."""


def main() -> None:
    port, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.setsid()
            carry(listener, path)
        os._exit(0)
    os.waitpid(child, 0)
    listener.close()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"pawl: {command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def carry(listener: socket.socket, path: str) -> None:
    """Pass bytes on, until whoever started this ends it."""
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    while True:
        watched = listener in selector.get_map()
        room = len(selector.get_map()) - watched <= 2 * (AT_ONCE - 1)
        if room and not watched:
            selector.register(listener, selectors.EVENT_READ)
        elif watched and not room:
            selector.unregister(listener)
        for key, ready in selector.select():
            if key.data is None:
                meet(selector, listener, path)
            else:
                key.data.move(key.fileobj, ready)


def meet(selector: selectors.BaseSelector, listener: socket.socket, path: str) -> None:
    """Take one connection, and make its other half. One that cannot be made is the agent's to try again."""
    try:
        near = listener.accept()[0]
    except OSError:
        return
    far = socket.socket(socket.AF_UNIX)
    far.setblocking(False)  # to wait here would be to keep all the others waiting
    try:
        far.connect(path)
    except OSError:
        near.close()
        far.close()
        return
    Pair(selector, near, far).watch()


class Pair:
    """Two sockets, each with the bytes that wait to be written to it."""

    def __init__(self, selector: selectors.BaseSelector, near: socket.socket, far: socket.socket) -> None:
        self.selector = selector
        self.other = {near: far, far: near}
        self.waiting = {near: bytearray(), far: bytearray()}
        self.ended: set[socket.socket] = set()  # nothing more comes from these
        self.told: set[socket.socket] = set()  # and these know that nothing more comes to them
        for end in self.other:
            end.setblocking(False)

    def move(self, end: socket.socket, ready: int) -> None:
        if end.fileno() < 0:
            return  # its other half was ended in the same round
        try:
            if ready & selectors.EVENT_READ:
                self.take(end)
            if ready & selectors.EVENT_WRITE:
                del self.waiting[end][: end.send(self.waiting[end])]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self.watch()

    def take(self, end: socket.socket) -> None:
        found = end.recv(CHUNK)
        self.waiting[self.other[end]] += found
        if not found:
            self.ended.add(end)

    def watch(self) -> None:
        """Wait for what can be done next; end both when there is nothing left to do."""
        for end, other in self.other.items():
            if other in self.ended and not self.waiting[end] and end not in self.told:
                self.told.add(end)
                try:
                    end.shutdown(socket.SHUT_WR)
                except OSError:
                    self.ended.add(end)
        if len(self.told) == 2:
            self.close()
            return
        for end, other in self.other.items():
            room = end not in self.ended and len(self.waiting[other]) < CHUNK
            self.expect(end, room * selectors.EVENT_READ | bool(self.waiting[end]) * selectors.EVENT_WRITE)

    def expect(self, end: socket.socket, events: int) -> None:
        known = end in self.selector.get_map()
        if events and known:
            self.selector.modify(end, events, self)
        elif events:
            self.selector.register(end, events, self)
        elif known:
            self.selector.unregister(end)

    def close(self) -> None:
        for end in self.other:
            self.expect(end, 0)
            end.close()


if __name__ == "__main__":
    main()
