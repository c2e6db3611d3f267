"""The PostgreSQL store keeps the contract on a real server, is durable, survives its loss, and keeps the password."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from pawl import plugins
from pawl.errors import ConfigError, IntegrityError, PartError, PawlError
from pawl.ledger import Ledger
from pawl.records import CommonSeeds
from pawl.stores.postgresql import PostgresqlStore
from pawl.testing.postgresql import Server
from pawl.testing.stores import MovableContract, assert_one_chain, link

SECRET = "hunter2/9"


def schema(tmp_path: Path) -> str:
    """One a test: all share a database."""
    return f"t_{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"


@pytest.fixture
def store(postgres: Server, tmp_path: Path) -> PostgresqlStore:
    return PostgresqlStore(postgres.url, schema(tmp_path), study="toy")


def end_sessions(server: Server, which: str = "usename = 'pawl'") -> None:
    """As an administrator would, or a network that breaks."""
    server.sql(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {which}")


class TestPostgresqlStore(MovableContract):
    server: Server

    @pytest.fixture(autouse=True)
    def _server(self, postgres: Server) -> None:
        self.server = postgres

    def make_movable(self, tmp_path: Path) -> PostgresqlStore:
        return PostgresqlStore(self.server.url, schema(tmp_path), study="toy")

    def lose(self, tmp_path: Path) -> None:
        locks = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
        end_sessions(self.server, f"state = 'idle' AND {locks}")


@pytest.fixture(autouse=True, scope="module")
def _no_session_is_left(postgres: Server) -> Iterator[None]:
    yield
    end_sessions(postgres)


@pytest.mark.parametrize(
    "how",
    [
        "UPDATE {} SET digest = 'x'",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "INSERT INTO {} VALUES (1, '', '') ON CONFLICT (id) DO UPDATE SET digest = 'x'",
    ],
)
def test_the_database_itself_refuses_to_change_a_row(postgres: Server, store: PostgresqlStore, how: str) -> None:
    row = store.append(b"kept", link)
    for replica in ("", "SET session_replication_role = replica; "):  # which switches ordinary triggers off
        with pytest.raises(subprocess.CalledProcessError) as caught:
            postgres.sql(replica + how.format(f"{store.schema}.entries"))
        assert "the ledger is append-only" in caught.value.stderr
    assert list(store.rows(0)) == [row]


def test_what_is_acknowledged_is_on_disk_whatever_the_database_says(postgres: Server, tmp_path: Path) -> None:
    postgres.sql("ALTER ROLE pawl SET synchronous_commit = off")
    try:
        store = PostgresqlStore(postgres.url, schema(tmp_path), study="toy")
        with store._engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    finally:
        postgres.sql("ALTER ROLE pawl RESET synchronous_commit")


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_appends_stay_one_chain_whatever_isolation_is_the_default(postgres: Server, tmp_path: Path, level: str) -> None:
    postgres.sql(f"ALTER ROLE pawl SET default_transaction_isolation = '{level}'")
    try:
        stores = [PostgresqlStore(postgres.url, schema(tmp_path), study="toy") for _ in range(2)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: stores[n % 2].append(b"%d" % n, link), range(40)))
        rows = list(stores[0].rows(0))
        assert len(rows) == 40
        assert_one_chain(rows)
    finally:
        postgres.sql("ALTER ROLE pawl RESET default_transaction_isolation")


def test_a_server_that_does_not_flush_is_refused(postgres: Server, store: PostgresqlStore, tmp_path: Path) -> None:
    try:
        postgres.sql("ALTER SYSTEM SET fsync = off")
        postgres.sql("SELECT pg_reload_conf()")
        postgres.sql("SELECT pg_sleep(0.2)")
        with pytest.raises(ConfigError, match="fsync = off"):
            PostgresqlStore(postgres.url, schema(tmp_path), study="toy")
    finally:
        postgres.sql("ALTER SYSTEM RESET fsync")
        postgres.sql("SELECT pg_reload_conf()")
        postgres.sql("SELECT pg_sleep(0.2)")


@pytest.mark.slow
def test_a_broken_connection_is_an_error_with_a_way_out_and_the_next_call_connects_again(
    postgres: Server, store: PostgresqlStore
) -> None:
    written = store.append(b"one", link)
    end_sessions(postgres)
    with pytest.raises(PawlError, match="cannot be used") as caught:
        store.append(b"lost", link)
    assert "nothing is lost" in caught.value.hint
    assert list(store.rows(0)) == [written]
    assert store.append(b"two", link).id == 2


def test_a_connection_that_breaks_inside_an_append_writes_nothing(postgres: Server, store: PostgresqlStore) -> None:
    def broken(previous: str, position: int, body: bytes) -> str:
        end_sessions(postgres)
        return link(previous, position, body)

    with pytest.raises(PawlError, match="cannot be used"):
        store.append(b"lost", broken)
    assert store.append(b"one", link).id == 1


def test_a_ledger_goes_on_after_an_append_whose_answer_got_lost(postgres: Server, store: PostgresqlStore) -> None:
    ledger, unheard = Ledger(store), CommonSeeds(seeds=(1, 2), reason="written, and nobody was told")
    row = PostgresqlStore(store.url, store.schema, study="toy").append  # as a commit whose answer the network ate
    Ledger(type("Deaf", (), {"append": staticmethod(row), "rows": store.rows})()).append(unheard)  # type: ignore[arg-type]
    assert ledger.append(CommonSeeds(seeds=(3, 4), reason="the next")).id == 2
    assert ledger.all()[0].record == unheard
    assert ledger.verify() == 2


@pytest.mark.slow
def test_a_crash_of_the_server_loses_nothing_and_takes_the_leases(postgres: Server, store: PostgresqlStore) -> None:
    written = []
    with store.hold("loop", wait=False) as held:
        done = threading.Event()

        def write() -> None:
            while not done.is_set():
                try:
                    written.append(store.append(b"%d" % len(written), link))
                except PawlError:
                    return

        thread = threading.Thread(target=write)
        thread.start()
        while len(written) < 50:
            done.wait(0.01)
        postgres.stop("immediate")
        assert not held()
        thread.join(60)
        with pytest.raises(PawlError, match="cannot be used"):
            store.append(b"down", link)
        with pytest.raises(PawlError, match="cannot be used"):
            store.rows(0)
        with pytest.raises(PawlError, match="cannot be used"):
            PostgresqlStore(store.url, store.schema, study="toy")
        postgres.start()
        assert list(store.rows(0))[: len(written)] == written
        with pytest.raises(PawlError, match="no longer holds the loop"):
            store.append(b"fenced", link)
    assert_one_chain([*store.rows(0), store.append(b"on", link)])


@pytest.mark.slow
def test_another_process_appends_to_the_same_chain(store: PostgresqlStore) -> None:
    store.append(b"parent", link)
    code = (
        "import sys; from pawl.testing.stores import link; from pawl.stores.postgresql import PostgresqlStore\n"
        "PostgresqlStore(*sys.argv[1:], study='toy').append(b'child', link)"
    )
    subprocess.run([sys.executable, "-c", code, store.url, store.schema], check=True)
    assert [row.body for row in store.rows(0)] == [b"parent", b"child"]
    assert_one_chain(list(store.rows(0)))


def test_many_who_open_a_new_place_at_once_make_it_once(postgres: Server, tmp_path: Path) -> None:
    name, found = schema(tmp_path), []

    def open_and_append(n: int) -> None:
        found.append(PostgresqlStore(postgres.url, name, study="toy").append(b"%d" % n, link))

    threads = [threading.Thread(target=open_and_append, args=(n,)) for n in range(6)]
    with ExitStack() as stack:
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
    assert_one_chain(sorted(found, key=lambda row: row.id))


def test_two_studies_share_a_database_and_never_a_ledger(postgres: Server, store: PostgresqlStore) -> None:
    other = PostgresqlStore(postgres.url, store.schema + "_b", study="other")
    store.append(b"toy's", link)
    assert list(other.rows(0)) == []
    with store.hold("loop", wait=False), other.hold("loop", wait=False) as held:
        assert held()
    with pytest.raises(ConfigError, match="holds the ledger of the study 'toy', and this is 'other'") as caught:
        PostgresqlStore(postgres.url, store.schema, study="other")
    assert "schema" in caught.value.hint


def test_a_role_that_may_only_read_and_insert_can_work(
    postgres: Server, store: PostgresqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(b"owner's", link)
    name, url = store.schema, postgres.url.replace("//pawl@", "//writer@")
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    postgres.sql(f"CREATE ROLE writer LOGIN PASSWORD '{postgres.password}'")
    try:
        with pytest.raises(ConfigError, match="is not open to this user") as caught:
            PostgresqlStore(url, name, study="toy")
        assert "GRANT" in caught.value.hint
        postgres.sql(f"GRANT USAGE ON SCHEMA {name} TO writer; GRANT SELECT, INSERT ON {name}.entries TO writer")
        postgres.sql(f"GRANT SELECT ON {name}.about TO writer; GRANT SELECT, INSERT, UPDATE ON {name}.leases TO writer")
        writer = PostgresqlStore(url, name, study="toy")
        with writer.hold("loop", wait=False) as held:
            assert writer.append(b"writer's", link).id == 2
            assert held()
        with pytest.raises(ConfigError, match="is not open to this user"):
            writer.seal("gone")
    finally:
        end_sessions(postgres, "usename = 'writer'")
        postgres.sql("DROP OWNED BY writer; DROP ROLE writer")


def test_a_ledger_that_was_dropped_is_missed(postgres: Server, store: PostgresqlStore) -> None:
    store.append(b"one", link)
    postgres.sql(f"DROP SCHEMA {store.schema} CASCADE")
    with pytest.raises(IntegrityError, match="is damaged"):
        list(store.rows(0))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://pawl:{quote(SECRET, safe='')}@localhost/pawl",
        f"postgresql://pawl@localhost/pawl?password={quote(SECRET, safe='')}",
        f"postgresql://pawl@localhost/pawl?sslpassword={SECRET}",
        f"postgresql://pawl:{SECRET}@localhost/pawl",
        f"postgresql://pawl:hunter2@9@localhost/pawl?x={SECRET}",
        f"postgresql://pawl:1/{SECRET}@localhost/pawl",
        f"postgres:/pawl:{SECRET}@localhost",
        f"host=localhost password={SECRET}",
        "",
    ],
)
def test_a_password_in_the_url_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="url") as caught:
        plugins.build("store", "postgresql", {"url": url}, study="toy", path=Path())
    said = str(caught.value) + caught.value.hint + repr(caught.value) + str(caught.value.__cause__)
    assert not any(part in said for part in ("hunter2", SECRET))
    assert "~/.pgpass" in caught.value.hint


def test_the_password_shows_nowhere(postgres: Server, store: PostgresqlStore) -> None:
    store.append(b"x", link)
    shown = [repr(store), str(store), store.place, repr(store._engine), repr(store._engine.url)]
    postgres.sql("ALTER ROLE pawl PASSWORD 'another'")
    try:
        with pytest.raises(PawlError, match="password authentication failed") as caught:
            PostgresqlStore(postgres.url, store.schema, study="toy")
        shown += ["".join(traceback.format_exception(caught.value)), caught.value.hint]
        assert "~/.pgpass" in caught.value.hint
    finally:
        postgres.sql(f"ALTER ROLE pawl PASSWORD '{postgres.password}'")
    assert not any(postgres.password in text for text in shown)


@pytest.mark.parametrize("name", ["", "a b", "Pawl", "pg_pawl", "x" * 64, "a;drop", "a.b", "1a"])
def test_a_schema_has_a_plain_name(postgres: Server, name: str) -> None:
    with pytest.raises(ConfigError, match="is not a plain name"):
        PostgresqlStore(postgres.url, name, study="toy")


def test_a_missing_driver_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(PartError, match="psycopg") as caught:
        plugins.build("store", "postgresql", {"url": "postgresql://localhost/x"}, study="toy")
    assert caught.value.hint == "pip install 'pawl-ai[postgres]'"


def test_a_session_that_locks_for_somebody_else_by_now_is_no_lease(postgres: Server, store: PostgresqlStore) -> None:
    """As behind a pooler that shares sessions, or where the next holder's server process got the same number."""
    with store.hold("loop", wait=False) as held:
        postgres.sql(f"UPDATE {store.schema}.leases SET generation = generation + 1")
        assert not held()
        with pytest.raises(PawlError, match="no longer holds the loop"):
            store.append(b"x", link)


def test_a_wait_for_a_lease_keeps_no_snapshot_open(postgres: Server, store: PostgresqlStore) -> None:
    """What a wait inside the server would do: nobody's dead rows could be cleaned away meanwhile."""
    thread = threading.Thread(target=lambda: store.hold("loop", wait=True).__enter__())
    with PostgresqlStore(store.url, store.schema, study="toy").hold("loop", wait=False):
        thread.start()
        thread.join(0.5)
        with psycopg.connect(store.url) as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'pawl' AND state = 'idle in transaction'"
            assert connection.execute(query).fetchone() == (0,)
            query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            assert connection.execute(query).fetchone() == (0,)
    thread.join(60)
