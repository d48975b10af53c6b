"""A PostgreSQL server and its streaming replica, for which every commit waits."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.storage.cluster import Cluster, for_postgres, installed_programs

_DISK_MB = 220
_PATIENCE_S = 180.0
_MOUNT, _UNMOUNT = "/bin/mount", "/bin/umount"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
max_wal_size = 64MB
min_wal_size = 32MB
"""


def free_port() -> int:
    """Of this machine, until somebody else takes it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], patience_s: float = _PATIENCE_S) -> None:
    """Wait for it. Raises TimeoutError."""
    deadline_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.05)


class Pair:
    """``primary`` takes writes and ``replica`` follows; they change places in ``fail_over``."""

    def __init__(self, folder: Path) -> None:
        programs = installed_programs()
        if programs is None:
            raise SystemExit("PostgreSQL is not installed (on Debian: apt install postgresql)")
        self.places = tuple(
            Cluster(programs, _place(folder / name), free_port(), _CONFIGURATION)
            for name in ("first", "second")
        )
        self.primary, self.replica = self.places

    def create(self, *, replicated: bool) -> None:
        self.primary.create()
        self.primary.start()
        self.primary.sql("CREATE DATABASE perse")
        if replicated:
            self.follow()

    def follow(self) -> None:
        """Make the replica anew, of what the primary has now."""
        if self.replica.runs:
            self.replica.stop("immediate")
        shutil.rmtree(self.replica.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={self.primary.port} user=postgres application_name=replica"
        words = ("-D", self.replica.data, "-R", "-c", "fast", "--no-sync")
        self.replica.run("pg_basebackup", "-d", source, *words)
        sockets = f"unix_socket_directories = '{self.replica.folder}'\n"
        self.replica.configure(f"port = {self.replica.port}\n{sockets}")
        self.replica.start()
        self._wait_for("'replica'")
        until(lambda: self.asked("SELECT count(*) FROM pg_stat_replication "
                                 "WHERE sync_state = 'sync'") == 1)  # fmt: skip

    def _wait_for(self, standbys: str) -> None:
        """Let commits wait for these."""
        self.primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = {standbys}")
        self.primary.sql("SELECT pg_reload_conf()")

    def fail_over(self) -> None:
        """The primary is gone; let the replica be one, which waits for nobody."""
        self.replica.run("pg_ctl", "-w", "-D", self.replica.data, "promote")
        self.primary, self.replica = self.replica, self.primary
        self._wait_for("''")

    def kill_primary(self) -> None:
        """All its processes at once, as a machine that loses its power."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not _answers(self.primary))
        (self.primary.data / "postmaster.pid").unlink()

    def processes(self) -> Sequence[int]:
        """Of the primary, the one that starts the others first."""
        pid = int((self.primary.data / "postmaster.pid").read_text().split()[0])
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]

    def asked(self, question: str, *, of: Cluster | None = None, database: str = "perse") -> object:
        """The first value of the answer."""
        url = (of or self.primary).url.replace("/postgres?", f"/{database}?")
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None

    def fill_disk(self) -> None:
        """To the last byte, with a file of somebody else's."""
        with (self.primary.folder / "ballast").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError:
                pass

    def make_room(self) -> None:
        """And start the database, where it ended for want of room."""
        (self.primary.folder / "ballast").unlink()
        time.sleep(1)
        if not _answers(self.primary):
            (self.primary.data / "postmaster.pid").unlink(missing_ok=True)
            self.primary.start()

    def stop(self) -> None:
        for cluster in self.places:
            if cluster.runs:
                cluster.stop("immediate")


def _place(folder: Path) -> Path:
    folder.mkdir()
    for_postgres(folder)
    return folder


def _answers(cluster: Cluster) -> bool:
    try:
        psycopg.connect(cluster.url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True


@contextmanager
def running_pair(*, small_disk: bool, replicated: bool) -> Iterator[Pair]:
    """``small_disk``: the first one on a disk of its own, in memory, that can be filled; it takes
    the right to mount one. Without a replica, ``replicated`` is false."""
    folder = Path(tempfile.mkdtemp(prefix="perse-pg-"))
    folder.chmod(0o755)
    pair = Pair(folder)
    disk = pair.primary.folder
    if small_disk:
        options = f"size={_DISK_MB}m"
        subprocess.run([_MOUNT, "-t", "tmpfs", "-o", options, "none", str(disk)], check=True)
        for_postgres(disk)
    try:
        pair.create(replicated=replicated)
        yield pair
    finally:
        pair.stop()
        if small_disk:
            subprocess.run([_UNMOUNT, str(disk)], check=True)
        shutil.rmtree(folder, ignore_errors=True)
