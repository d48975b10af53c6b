"""A throw-away PostgreSQL server of the installed packages, for tests and benchmarks."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

_CONFIGURATION = """
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
max_connections = 200
shared_buffers = 32MB
max_wal_size = 128MB
"""


@dataclass(frozen=True)
class Cluster:
    """``folder`` holds everything the server writes; ``configuration``: lines of its own."""

    programs: Path
    folder: Path
    port: int = 5432
    configuration: str = "fsync = off\n"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}&port={self.port}"

    def new_database(self) -> str:
        """The URL of a place of its own: a schema, which is made faster than a database."""
        name = f"perse_{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.data, "-l", self.folder / "log", "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-w", "-D", self.data, "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        log = self.folder / "log"
        self.run("pg_ctl", "-w", "-D", self.data, "-m", mode, "-l", log, "restart")

    @property
    def runs(self) -> bool:
        return (self.data / "postmaster.pid").exists()

    def run(self, program: str, *arguments: str | Path) -> None:
        """One of PostgreSQL's programs, to its end."""
        command = [*_as_postgres(), str(self.programs / program), *map(str, arguments)]
        # The server inherits what it is given: a pipe would stay open for as long as it runs.
        done = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            cwd=self.folder,
            timeout=60,
        )
        assert done.returncode == 0, f"{program} failed in {self.folder}"

    def create(self) -> None:
        words = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.run("initdb", "-D", self.data, *words)
        self.configure(_CONFIGURATION.format(sockets=self.folder, port=self.port))
        self.configure(self.configuration)

    def configure(self, lines: str) -> None:
        """Lines that win over those before; a running server reads them with its next start."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(lines)


def installed_programs() -> Path | None:
    """The folder of initdb and its kin, of the newest version installed."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def _as_postgres() -> list[str]:
    """The server refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []


def for_postgres(folder: Path) -> None:
    """Let the user that the server runs as have the folder."""
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)


@contextmanager
def running_cluster(programs: Path) -> Iterator[Cluster]:
    # Not in pytest's folder: a socket's path may be 107 bytes long, and postgres must reach it.
    folder = Path(tempfile.mkdtemp(prefix="perse-pg-"))
    for_postgres(folder)
    cluster = Cluster(programs, folder)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        if cluster.runs:
            cluster.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
