"""A throwaway PostgreSQL server, for tests and benches: Debian's programs, a temporary folder, a Unix socket.

It has nothing to do with the system's own cluster. It runs as an unprivileged user, as PostgreSQL insists; `pawl`, the
role that a store connects as, is no superuser and has a password, which clients find in a file as libpq does."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

INSTALL = "sudo apt-get install postgresql"
SETTINGS = "listen_addresses = ''\nmax_connections = 60\nshared_buffers = 64MB\n"
ACCESS = "local all postgres trust\nlocal all all scram-sha-256\n"


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, of the newest version that is installed; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    program = shutil.which("initdb")
    return found[-1].parent if found else Path(program).parent if program else None


@dataclass(frozen=True)
class Server:
    """A running server. `folder` holds its data and socket, and `passfile`, what PGPASSFILE should name."""

    programs: Path
    folder: Path
    owner: int | None

    @property
    def passfile(self) -> Path:
        """The file with the password of the role `pawl`."""
        return self.folder / "pgpass"

    @property
    def password(self) -> str:
        """The password itself, for tests that look whether it shows somewhere."""
        return self.passfile.read_text().strip().rpartition(":")[2]

    @property
    def url(self) -> str:
        """What stands in pawl.toml."""
        return f"postgresql://pawl@{quote(str(self.folder), safe='')}/pawl"

    def sql(self, statement: str, database: str = "pawl") -> str:
        """What psql prints, as the superuser. Raises CalledProcessError with the server's words."""
        command = ("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-d", database)
        return self._run(*command, "-c", statement).strip()

    def start(self) -> None:
        """Start it, or start it again; accepts connections on return."""
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", "60", "start")

    def stop(self, mode: str = "fast") -> None:
        """End it: `fast`, or `immediate`, which is as a crash is."""
        self._run("pg_ctl", "-D", self.folder / "data", "-w", "-m", mode, "stop")

    def _run(self, program: str, *words: str | Path) -> str:
        environ, quiet = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, program != "psql"
        done = subprocess.run(
            [self.programs / program, *words], check=True, text=True, cwd=self.folder, env=environ,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE, stderr=subprocess.PIPE,
            user=self.owner, group=self.owner, extra_groups=None if self.owner is None else [],
        )  # fmt: skip
        return done.stdout or ""

    def _make(self) -> None:
        self.passfile.write_text(f"*:*:*:pawl:{secrets.token_hex(16)}\n")
        self.passfile.chmod(0o600)
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        settings = data / "postgresql.conf"
        settings.write_text(f"{settings.read_text()}\n{SETTINGS}unix_socket_directories = '{self.folder}'\n")
        (data / "pg_hba.conf").write_text(ACCESS)
        self.start()
        self.sql(f"CREATE ROLE pawl LOGIN PASSWORD '{self.password}'", "postgres")
        self.sql("CREATE DATABASE pawl OWNER pawl", "postgres")


@contextmanager
def running(found: Path) -> Iterator[Server]:
    """A new server with the programs in `found`; gone afterwards, with all that it held."""
    folder = Path(tempfile.mkdtemp(prefix="pawl-pg-", dir="/tmp"))  # a socket's path is short, and its user may come in
    owner = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    if owner is not None:
        os.chown(folder, owner, owner)
    server = Server(found, folder, owner)
    try:
        server._make()
        yield server
    finally:
        try:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop("immediate")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
