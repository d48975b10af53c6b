from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import typer
from typer.testing import CliRunner, Result

from perse.bootstrap.storage import opened_key_list
from perse.cli.application import app
from perse.domain.access import ALL_PERMISSIONS
from perse.errors import PerseError
from perse.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


def paths(command: object, path: tuple[str, ...]) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(path)
        return
    for name, child in children.items():
        yield from paths(child, (*path, name))


COMMANDS = list(paths(typer.main.get_command(app), ("perse",)))


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data-dir", str(folder)], env={"COLUMNS": "200"})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert f"`{command}`" in PAGE.read_text()


def test_the_page_knows_no_command_that_is_none() -> None:
    documented = [line.split("`")[1] for line in PAGE.read_text().splitlines() if "| `" in line]
    assert sorted(documented) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split()[1:], "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_create_prints_the_key_alone_and_it_is_a_uuid(tmp_path: Path) -> None:
    result = run(tmp_path, "keys", "create", "shop")
    assert result.exit_code == 0
    assert UUID(result.stdout.strip()).version == 4


def test_a_key_is_never_shown_again_nor_kept_in_clear(tmp_path: Path) -> None:
    key = run(tmp_path, "keys", "create", "shop").stdout.strip()
    assert key not in run(tmp_path, "keys", "list").stdout
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key.encode() not in stored
    assert UUID(key).bytes not in stored


def test_list_names_every_key_and_when_it_was_revoked(tmp_path: Path) -> None:
    run(tmp_path, "keys", "create", "shop")
    run(tmp_path, "keys", "create", "app")
    assert run(tmp_path, "keys", "revoke", "shop").exit_code == 0
    listed = run(tmp_path, "keys", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["shop", "app"]


def test_a_name_can_be_used_again_once_its_key_is_revoked(tmp_path: Path) -> None:
    run(tmp_path, "keys", "create", "shop")
    with pytest.raises(PerseError, match="active key named 'shop'"):
        raise run(tmp_path, "keys", "create", "shop").exception or AssertionError
    run(tmp_path, "keys", "revoke", "shop")
    assert run(tmp_path, "keys", "create", "shop").exit_code == 0


def test_rotation_gives_a_second_key_of_the_same_tenant(tmp_path: Path) -> None:
    first = run(tmp_path, "keys", "create", "shop").stdout.strip()
    second = run(tmp_path, "keys", "rotate", "shop").stdout.strip()
    listed = run(tmp_path, "keys", "list").stdout.splitlines()[1:]
    tenants = {line.split()[-4] for line in listed}
    assert first != second
    assert len(listed) == 2
    assert len(tenants) == 1


def test_a_key_may_do_what_it_was_made_for_and_what_is_allowed_later(tmp_path: Path) -> None:
    run(tmp_path, "keys", "create", "shop")
    made = ("--may", "verify", "--may", "enrol", "--tenant-of", "shop")
    assert run(tmp_path, "keys", "create", "kiosk", *made).exit_code == 0
    assert permissions_of(tmp_path) == {"shop": ALL_PERMISSIONS, "kiosk": {"verify", "enrol"}}
    result = run(tmp_path, "keys", "allow", "kiosk", "read", "enrol")
    assert result.stderr == "kiosk may now: verify read enrol\n"
    run(tmp_path, "keys", "forbid", "kiosk", "verify")
    run(tmp_path, "keys", "rotate", "kiosk", "--retired-name", "old")
    of_both = {"read", "enrol"}
    assert permissions_of(tmp_path) == {"shop": ALL_PERMISSIONS, "kiosk": of_both, "old": of_both}
    assert "read enrol" in " ".join(run(tmp_path, "keys", "list").stdout.split())
    with opened_key_list(Settings(data_dir=tmp_path)) as keys:
        assert len({key.tenant_id for key in keys.all()}) == 1


def test_a_key_is_never_left_without_anything_it_may_do(tmp_path: Path) -> None:
    run(tmp_path, "keys", "create", "kiosk", "--may", "verify")
    with pytest.raises(PerseError, match="revoke it"):
        raise run(tmp_path, "keys", "forbid", "kiosk", "verify").exception or AssertionError
    assert permissions_of(tmp_path) == {"kiosk": {"verify"}}
    assert run(tmp_path, "keys", "create", "other", "--may", "everything").exit_code == 2


def permissions_of(data_dir: Path) -> dict[str, frozenset[str]]:
    with opened_key_list(Settings(data_dir=data_dir)) as keys:
        return {key.name: frozenset(key.permissions) for key in keys.all()}


def test_a_current_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    folder, perse = tmp_path / "gone", [sys.executable, "-m", "perse", "setup"]
    folder.mkdir()
    script = f"cd {folder} && rmdir {folder} && exec {shlex.join(perse)}"
    command = ["sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = "perse: the current folder is gone: change to one that is there"
    assert done.stderr.strip() == said


def test_the_doctor_says_what_is_missing_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    result = run(folder, "doctor", "--pack", "standard")
    assert result.exit_code == 1
    assert "run `perse setup`" in result.stdout
    assert not folder.exists()


def test_the_doctor_masks_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSE_DATABASE_URL", "postgresql://perse:hidden@127.0.0.1:1/perse")
    result = run(tmp_path, "doctor", "--pack", "standard")
    assert "********" in result.stdout
    assert "hidden" not in result.output


def test_an_unknown_pack_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(PerseError, match="compact, standard"):
        raise run(tmp_path, "setup", "--pack", "best").exception or AssertionError


def test_the_doctor_does_not_upgrade_the_database(tmp_path: Path) -> None:
    (tmp_path / "perse.db").touch()
    result = run(tmp_path, "doctor", "--pack", "standard")
    assert "run `perse db upgrade`" in result.stdout
    assert run(tmp_path, "db", "status").exit_code == 1


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists open files")
@pytest.mark.parametrize(
    "words",
    [("keys", "create", "other"), ("keys", "list"), ("keys", "rotate", "shop"),
     ("keys", "allow", "shop", "read"), ("keys", "forbid", "shop", "read"),
     ("keys", "revoke", "shop"), ("db", "status"), ("db", "upgrade"), ("tenants", "list"),
     ("doctor",)],
)  # fmt: skip
def test_no_command_leaves_the_database_open(tmp_path: Path, words: tuple[str, ...]) -> None:
    run(tmp_path, "keys", "create", "shop")
    run(tmp_path, *words)
    opened = {
        str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()
    }
    assert not [path for path in opened if path.startswith(str(tmp_path))]
