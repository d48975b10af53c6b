from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from perse.errors import SetupError, StorageUnavailable
from perse.files import (
    ReadableByOthers,
    change_file,
    only_one,
    read_private,
    settle,
    write_file,
)

BUSY = StorageUnavailable("somebody else is at it")


def one_more(before: bytes | None) -> bytes:
    return str(int(before or b"0") + 1).encode()


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".locks"}


def test_settling_replaces_at_once(tmp_path: Path) -> None:
    part, target = tmp_path / "net.part", tmp_path / "net.onnx"
    target.write_bytes(b"old")
    part.write_bytes(b"new")
    settle(part, target)
    assert (target.read_bytes(), names(tmp_path)) == (b"new", {"net.onnx"})


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("durable", [True, False])
def test_what_is_written_is_private_under_any_umask(
    tmp_path: Path, mask: int, durable: bool
) -> None:
    path = tmp_path / "new" / "deep" / "key"
    with umask(mask):
        write_file(path, b"secret", durable=durable)
        change_file(path.with_name("other"), one_more)
    assert {file.stat().st_mode & 0o777 for file in path.parent.rglob("*") if file.is_file()} == {
        0o600
    }
    assert {path.parent.stat().st_mode & 0o777, (tmp_path / "new").stat().st_mode & 0o777} == {
        0o700
    }
    assert read_private(path) == b"secret"


def test_a_file_of_secrets_that_others_may_read_is_not_read(tmp_path: Path) -> None:
    write_file(tmp_path / "key", b"secret")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(ReadableByOthers):
        read_private(tmp_path / "key")


def test_no_change_is_lost_among_threads(tmp_path: Path) -> None:
    path = tmp_path / "count"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: change_file(path, one_more), range(60)))
    assert (path.read_bytes(), names(tmp_path)) == (b"60", {"count"})


COUNTING = """
import sys
from pathlib import Path
from perse.files import change_file
for _ in range(40):
    change_file(Path(sys.argv[1]), lambda before: str(int(before or b"0") + 1).encode())
"""


def test_no_change_is_lost_among_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNTING, str(tmp_path / "count")]
    counting = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in counting] == [0, 0, 0]
    assert (tmp_path / "count").read_bytes() == b"120"


def test_a_change_by_somebody_who_does_not_wait_is_noticed(tmp_path: Path) -> None:
    path, seen = tmp_path / "list", list[bytes | None]()

    def add(before: bytes | None) -> bytes:
        if not seen:
            path.write_bytes(b"an editor's")
        seen.append(before)
        return (before or b"") + b"+ours"

    change_file(path, add)
    assert (path.read_bytes(), seen) == (b"an editor's+ours", [None, b"an editor's"])


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    write_file(tmp_path / "kept", b"as it is")
    inode = (tmp_path / "kept").stat().st_ino
    change_file(tmp_path / "kept", lambda before: before or b"")
    assert (tmp_path / "kept").stat().st_ino == inode


def test_a_failed_edit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    write_file(tmp_path / "kept", b"as it is")

    def fail(_: bytes | None) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_file(tmp_path / "kept", fail)
    assert ((tmp_path / "kept").read_bytes(), names(tmp_path)) == (b"as it is", {"kept"})
    change_file(tmp_path / "kept", lambda _: b"free again")


@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_written_through_a_link(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "elsewhere", tmp_path / "key"
    if there:
        target.write_bytes(b"foreign")
    link.symlink_to(target)
    with pytest.raises(SetupError, match="is a link"):
        change_file(link, one_more)
    assert link.is_symlink()
    assert target.exists() is there


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SetupError, match="cannot be written"):
        write_file(tmp_path / "file" / "key", b"")
    with pytest.raises(SetupError, match="cannot be written"):
        change_file(tmp_path / "file" / "key", one_more)


KILLED = """
import os, sys
from pathlib import Path
from perse import files
files.settle = lambda part, target: os.kill(os.getpid(), 9)
files.change_file(Path(sys.argv[1]), lambda before: b"destroyed since")
"""


def test_what_a_killed_writer_left_behind_goes_with_the_next_change(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    write_file(path, b"old")
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False).returncode == -9
    assert path.read_bytes() == b"old"
    assert len(names(tmp_path)) == 2
    change_file(path, lambda _: b"new")
    assert (path.read_bytes(), names(tmp_path)) == (b"new", {"master.key"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_changes_stays_the_servers_own(tmp_path: Path) -> None:
    path = tmp_path / "data" / "master.key"
    write_file(path, b"old")
    for ours in (path.parent, path):
        os.chown(ours, 12345, 12346)
    change_file(path, lambda _: b"new")
    write_file(path.with_name("other"), b"")
    owners = {(file.stat().st_uid, file.stat().st_gid) for file in path.parent.rglob("*")}
    assert owners == {(12345, 12346)}


HOLDER = """
import sys, time
from pathlib import Path
from perse.errors import SetupError
from perse.files import only_one
with only_one(Path(sys.argv[1]), wait_s=5, busy=SetupError("busy")):
    print("held", flush=True)
    time.sleep(30)
"""


def test_a_lock_keeps_other_processes_out_and_dies_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "net.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StorageUnavailable, match="somebody"),
            only_one(lock, wait_s=0.2, busy=BUSY),
        ):
            pass
        holder.kill()
    with only_one(lock, wait_s=5, busy=BUSY):
        pass


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    lock = tmp_path / "net.lock"
    with pytest.raises(ZeroDivisionError), only_one(lock, wait_s=5, busy=BUSY):
        raise ZeroDivisionError
    with only_one(lock, wait_s=0.2, busy=BUSY):
        pass


def test_a_lock_that_cannot_be_written_blames_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(SetupError, match="cannot be written"),
        only_one(tmp_path / "lock", wait_s=5, busy=BUSY),
    ):
        raise AssertionError("never held")
