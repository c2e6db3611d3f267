"""What every store's leases must do: one holder at a time, freed by death, and no append by who lost one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pawl.errors import ConfigError, PawlError
from pawl.ledger import Store
from pawl.testing.chains import assert_one_chain, link


class LeaseContract:
    """Part of `StoreContract`. The subclass must stand at the top of its module, and its `make` must do without
    fixtures' arguments, for it is called in another process too."""

    def make(self, tmp_path: Path) -> Store:
        """A store. Called twice with one `tmp_path`, it opens the same place twice."""
        raise NotImplementedError

    def lose(self, tmp_path: Path) -> None:
        """Take all leases at this place away from their holders, as an accident would."""
        raise NotImplementedError

    def test_a_lease_is_held_until_it_is_given_back(self, tmp_path: Path) -> None:
        """And given back when the body fails too; who holds it may append."""
        store = self.make(tmp_path)
        with store.hold("loop", wait=False) as held:
            assert held()
            store.append(b"by the holder", link)
        assert not held()
        with pytest.raises(RuntimeError), store.hold("loop", wait=False):
            raise RuntimeError
        with self.make(tmp_path).hold("loop", wait=False) as again:
            assert again()
            assert not held()

    def test_a_lease_is_refused_while_another_has_it(self, tmp_path: Path) -> None:
        """By the same object, by another on this place; another name is another lease."""
        one, other = self.make(tmp_path), self.make(tmp_path)
        with one.hold("loop", wait=False) as held, other.hold("decision", wait=False):
            for store in (one, other):
                with pytest.raises(ConfigError, match="another loop runs on") as caught, store.hold("loop", wait=False):
                    pass
                assert caught.value.hint
            assert held()
            assert other.append(b"without the loop's lease", link).id == 1

    def test_who_waits_gets_the_lease_when_it_is_free(self, tmp_path: Path) -> None:
        """And not before."""
        store, order = self.make(tmp_path), list[str]()

        def waiter() -> None:
            with self.make(tmp_path).hold("loop", wait=True) as held:
                order.append("waiter" if held() else "nobody")

        with store.hold("loop", wait=False):
            thread = threading.Thread(target=waiter)
            thread.start()
            thread.join(0.5)
            order.append("holder")
        thread.join(60)
        assert order == ["holder", "waiter"]

    def test_threads_take_turns(self, tmp_path: Path) -> None:
        """A lease excludes the threads of one process from one another as it does processes."""
        store, inside, most = self.make(tmp_path), list[int](), list[int]()

        def turn(n: int) -> None:
            with store.hold("decision", wait=True):
                inside.append(n)
                most.append(len(inside))
                store.append(b"%d" % n, link)
                inside.remove(n)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(turn, range(6)))
        assert most == [1] * 6
        assert_one_chain(list(store.rows(0)))

    def test_a_killed_process_frees_its_lease(self, tmp_path: Path) -> None:
        """At once: who waited has it, without anybody's help. What the dead process had appended is there."""
        store = self.make(tmp_path)
        with self.other_process(tmp_path) as (pid, answers):
            assert answers.recv() == "held"
            with pytest.raises(ConfigError, match=f"another loop runs on .*process {pid} "):
                store.hold("loop", wait=False).__enter__()
            os.kill(pid, signal.SIGKILL)
            with store.hold("loop", wait=True) as held:
                assert held()
                assert store.append(b"after it", link).id == 2
        assert_one_chain(list(store.rows(0)))

    def test_who_lost_its_lease_appends_no_more(self, tmp_path: Path) -> None:
        """Neither before another takes it nor after; then, without a lease, it may again."""
        store, other = self.make(tmp_path), self.make(tmp_path)
        with store.hold("loop", wait=False) as held:
            store.append(b"one", link)
            self.lose(tmp_path)
            assert not held()
            self.refused(store)
            with other.hold("loop", wait=True) as others:
                assert others()
                assert not held()
                assert other.append(b"two", link).id == 2
                self.refused(store)
            self.refused(store)
        assert store.append(b"three", link).id == 3
        assert_one_chain(list(store.rows(0)))

    def test_an_append_under_way_ends_before_the_next_holder_begins(self, tmp_path: Path) -> None:
        """Whoever holds the lease has read all that its predecessor will ever write."""
        store, other = self.make(tmp_path), self.make(tmp_path)
        begun, go, seen = threading.Event(), threading.Event(), list[int]()

        def slow(previous: str, position: int, body: bytes) -> str:
            begun.set()
            assert go.wait(60)
            return link(previous, position, body)

        def successor() -> None:
            with other.hold("loop", wait=True):
                seen.append(len(list(other.rows(0))))

        with store.hold("loop", wait=False), ThreadPoolExecutor(2) as pool:
            landed = pool.submit(store.append, b"under way", slow)
            assert begun.wait(60)
            self.lose(tmp_path)
            succeeded = pool.submit(successor)
            threading.Event().wait(0.5)
            assert not seen
            go.set()
            succeeded.result()
            assert landed.result().id == 1
        assert seen == [1]

    def refused(self, store: Store) -> None:
        """An append is, with a hint, and leaves nothing."""
        before = list(store.rows(0))
        with pytest.raises(PawlError, match="no longer holds the loop") as caught:
            store.append(b"too late", link)
        assert caught.value.hint
        assert list(store.rows(0)) == before

    @contextmanager
    def other_process(self, tmp_path: Path) -> Iterator[tuple[int, Connection]]:
        """A process of its own that appends a row and holds the loop: its id, and what it says."""
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_hold, args=(self, tmp_path, there), daemon=True)
        process.start()
        assert process.pid
        try:
            yield process.pid, here
        finally:
            process.kill()
            process.join()


def _hold(suite: LeaseContract, tmp_path: Path, answers: Connection) -> None:
    store = suite.make(tmp_path)
    with store.hold("loop", wait=False):
        store.append(b"by another process", link)
        answers.send("held")
        signal.pause()
