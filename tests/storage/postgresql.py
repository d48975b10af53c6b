"""A throw-away PostgreSQL server of the installed packages."""

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
import pytest

from tests.conftest import NOTHING_MAY_BE_SKIPPED

_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{sockets}'
max_connections = 200
fsync = off
shared_buffers = 32MB
max_wal_size = 128MB
"""


@dataclass(frozen=True)
class Cluster:
    """``folder`` holds everything the server writes."""

    programs: Path
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def new_database(self) -> str:
        """The URL of a place of its own: a schema, which is made faster than a database."""
        name = f"perse_{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-D", self.data, "-l", self.folder / "log", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-w", "-D", self.data, "-m", mode, "stop")

    def _run(self, program: str, *arguments: str | Path) -> None:
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
        self._run(
            "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(_CONFIGURATION.format(sockets=self.folder))


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


@contextmanager
def running_cluster(programs: Path) -> Iterator[Cluster]:
    # Not in pytest's folder: a socket's path may be 107 bytes long, and postgres must reach it.
    folder = Path(tempfile.mkdtemp(prefix="perse-pg-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    cluster = Cluster(programs, folder)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        if (cluster.data / "postmaster.pid").exists():
            cluster.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def shared_cluster() -> Iterator[Cluster]:
    """For a fixture: one for many tests, which are skipped where it cannot be had, and may be."""
    programs = installed_programs()
    if programs is None:
        message = "PostgreSQL is not installed (on Debian: apt install postgresql)"
        if NOTHING_MAY_BE_SKIPPED:
            pytest.fail(message)
        pytest.skip(message)
    with running_cluster(programs) as started:
        yield started
