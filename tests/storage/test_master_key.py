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
    create_key_file,
    from_command,
    from_file,
    from_text,
    key_text,
    master_key_id,
    parse_keys,
    write_key_file,
)
from perse.storage.opening import MasterKeyChoice, Storage, open_storage
from perse.storage.sealing import new_key
from perse.storage.secrets import RenewTenantKeys, rewrap_with_first
from perse.storage.tenant_keys import TenantKeys
from tests.fake_storage import FakeSigner
from tests.storage.conftest import open_at
from tests.storage.samples import ACME, entry, reference, with_tenants

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
    create_key_file(path)
    first = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    create_key_file(path)
    assert path.read_text() == first
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    create_key_file(path)
    path.chmod(0o640)
    with pytest.raises(MasterKeyUnusable, match="chmod 600"):
        MasterKeys(from_file(path))


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


def test_rotation_moves_everything_to_the_first_key(url: str) -> None:
    old, new = new_key(), new_key()
    storage = open_with(url, old)
    with_tenants(storage.keys)
    made = reference()
    storage.references.add(made, entry=entry())
    storage.close()
    storage = open_with(url, new, old)
    assert rewrap_with_first(storage.database, storage.master) == 1
    storage.close()
    with pytest.raises(MasterKeyUnusable):
        open_with(url, old)
    storage = open_with(url, new)
    storage.references.find(ACME, made.record.user_token)
    assert list(storage.ledger.problems()) == []
    storage.close()


def test_a_server_goes_on_while_secrets_are_rotated(url: str, tmp_path: Path) -> None:
    """``serving`` is another process's: it learns of the new key when it meets it."""
    serving, rotating = open_at(url, tmp_path), open_at(url, tmp_path)
    with_tenants(serving.keys)
    users = [reference(n) for n in range(5)]
    serving.references.add(users[0], entry=entry())
    for made in users[1:]:
        path, fresh = tmp_path / "master.key", new_key()
        write_key_file(path, [fresh, *parse_keys(path.read_text())])
        rewrap_with_first(rotating.database, rotating.master)
        RenewTenantKeys(rotating.database, TenantKeys(rotating.master))()
        write_key_file(path, [fresh])
        serving.references.add(made, entry=entry())
        for known in users[: users.index(made) + 1]:
            serving.references.find(ACME, known.record.user_token)
    serving.close()
    rotating.close()
    open_at(url, tmp_path).close()


def test_a_tenant_that_first_enrols_after_a_rotation_is_safe(url: str, tmp_path: Path) -> None:
    serving, rotating = open_at(url, tmp_path), open_at(url, tmp_path)
    with_tenants(serving.keys)
    fresh = new_key()
    path = tmp_path / "master.key"
    write_key_file(path, [fresh, *parse_keys(path.read_text())])
    rewrap_with_first(rotating.database, rotating.master)
    write_key_file(path, [fresh])
    made = reference()
    serving.references.add(made, entry=entry())
    serving.close()
    rotating.close()
    reopened = open_at(url, tmp_path)
    reopened.references.find(ACME, made.record.user_token)
    reopened.close()
