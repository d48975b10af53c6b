from __future__ import annotations

import base64
import os
import shlex
import sys
from pathlib import Path

import pytest

from perse.errors import MasterKeyUnusable
from perse.storage.master_key import (
    MasterKeys,
    from_command,
    from_text,
    key_text,
    master_key_id,
    parse_keys,
)
from perse.storage.master_key_file import MasterKeyFile
from perse.storage.sealing import new_key
from perse.storage.storage import MasterKeyChoice, Storage, open_storage
from tests.fakes.storage import FakeSigner
from tests.storage.conftest import open_at

TEXT = base64.b64encode(bytes(range(32))).decode()


def open_with(url: str, *keys: bytes) -> Storage:
    choice = MasterKeyChoice(Path("unused"), from_text(key_text(keys)))
    return open_storage(url, master_key=choice, signer=FakeSigner())


@pytest.mark.parametrize("text", [TEXT, f"\n# note\n{TEXT}\n", f"{TEXT},{TEXT}", f" {TEXT} {TEXT}"])
def test_keys_are_read_from_lines_and_lists(text: str) -> None:
    assert set(parse_keys(text)) == {bytes(range(32))}


@pytest.mark.parametrize("text", ["", "secret!", TEXT[:-8], f"{TEXT}\nsecret", "# note"])
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(MasterKeyUnusable) as refused:
        parse_keys(text)
    assert "secret" not in refused.value.message.replace("secrets", "")


def test_the_id_of_a_key_is_stable_and_no_part_of_it() -> None:
    key = bytes(range(32))
    assert master_key_id(key) not in key.hex()
    assert repr(key) not in repr(MasterKeys(from_text(TEXT)))
    assert TEXT not in repr(MasterKeys(from_text(TEXT)))


def test_a_key_file_is_private_and_kept_by_the_first(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    MasterKeyFile(path).create()
    first = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    MasterKeyFile(path).create()
    assert path.read_text() == first
    assert {entry.name for entry in path.parent.iterdir()} == {"master.key", ".locks"}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    MasterKeyFile(path).create()
    path.chmod(0o640)
    with pytest.raises(MasterKeyUnusable, match="chmod 600"):
        MasterKeys(MasterKeyFile(path).read)


def test_a_command_gives_the_key(tmp_path: Path) -> None:
    program = tmp_path / "kms.py"
    program.write_text(f"print({TEXT!r})")
    keys = MasterKeys(from_command(shlex.join([sys.executable, str(program)])))
    assert keys.first_id == master_key_id(bytes(range(32)))


@pytest.mark.parametrize("command", ["/no/such/program", "false", "'unclosed", "true"])
def test_a_command_that_gives_none_stops_the_start(command: str) -> None:
    with pytest.raises(MasterKeyUnusable):
        MasterKeys(from_command(command))


def test_the_first_start_makes_a_key_file_and_later_ones_need_it(url: str, tmp_path: Path) -> None:
    open_at(url, tmp_path).close()
    assert (tmp_path / "master.key").exists()
    open_at(url, tmp_path).close()
    (tmp_path / "master.key").unlink()
    with pytest.raises(MasterKeyUnusable, match="missing"):
        open_at(url, tmp_path)
    assert not (tmp_path / "master.key").exists()


def test_a_wrong_master_key_stops_the_start(url: str, tmp_path: Path) -> None:
    right, wrong = new_key(), new_key()
    open_with(url, right).close()
    with pytest.raises(MasterKeyUnusable, match=master_key_id(right)):
        open_with(url, wrong)
    open_with(url, wrong, right).close()
