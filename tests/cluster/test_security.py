"""A cluster that anybody could enter is not used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from perse.cluster.connection import check_usable
from perse.cluster.security import check_closed, close_local
from perse.errors import SettingsInvalid

TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def closed(tmp_path: Path) -> dict[str, str]:
    """Ray's variables, as they are meant to be."""
    files = {
        "RAY_AUTH_TOKEN_PATH": tmp_path / "token",
        "RAY_TLS_SERVER_CERT": tmp_path / "node.crt",
        "RAY_TLS_SERVER_KEY": tmp_path / "node.key",
        "RAY_TLS_CA_CERT": tmp_path / "ca.crt",
    }
    for path in files.values():
        path.write_text(TOKEN + "\n")
    return {name: str(path) for name, path in files.items()} | {
        "RAY_AUTH_MODE": "token",
        "RAY_USE_TLS": "1",
    }


def test_with_a_token_and_certificates_it_is_used(closed: dict[str, str]) -> None:
    check_closed(closed)
    check_usable("10.0.0.5:6379", closed)


def test_a_token_may_be_given_by_itself(closed: dict[str, str]) -> None:
    del closed["RAY_AUTH_TOKEN_PATH"]
    check_closed(closed | {"RAY_AUTH_TOKEN": TOKEN})


@pytest.mark.parametrize(
    "name",
    [
        "RAY_AUTH_MODE",
        "RAY_AUTH_TOKEN_PATH",
        "RAY_USE_TLS",
        "RAY_TLS_SERVER_CERT",
        "RAY_TLS_SERVER_KEY",
        "RAY_TLS_CA_CERT",
    ],
)
def test_whatever_is_missing_is_named(closed: dict[str, str], name: str) -> None:
    del closed[name]
    with pytest.raises(SettingsInvalid, match=name):
        check_closed(closed)


def test_a_token_in_a_file_that_is_not_there_is_none(closed: dict[str, str]) -> None:
    Path(closed["RAY_AUTH_TOKEN_PATH"]).unlink()
    with pytest.raises(SettingsInvalid, match="RAY_AUTH_TOKEN_PATH"):
        check_closed(closed)


@pytest.mark.parametrize("short", ["", "secret", TOKEN[1:], TOKEN[1:] + " \n"])
def test_a_token_that_can_be_guessed_is_none(closed: dict[str, str], short: str) -> None:
    Path(closed["RAY_AUTH_TOKEN_PATH"]).write_text(short)
    with pytest.raises(SettingsInvalid, match="a token of 32 characters"):
        check_closed(closed)
    check_closed(closed | {"RAY_AUTH_TOKEN": TOKEN})


def test_the_token_that_counts_is_the_one_that_ray_takes(closed: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match="a token of 32 characters"):
        check_closed(closed | {"RAY_AUTH_TOKEN": "secret"})


@pytest.mark.parametrize("name", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"])
def test_a_cluster_of_this_machine_alone_takes_no_token_that_can_be_guessed(
    closed: dict[str, str], name: str
) -> None:
    short = Path(closed["RAY_AUTH_TOKEN_PATH"]).with_name("short")
    short.write_text("secret")
    local = {name: str(short) if name.endswith("PATH") else "secret"}
    close_local(local)
    assert len(local["RAY_AUTH_TOKEN"]) == 64
    kept = dict(closed)
    close_local(kept)
    assert kept == closed


def test_one_refusal_names_all_that_is_to_be_set() -> None:
    with pytest.raises(SettingsInvalid, match=r"RAY_AUTH_MODE=token; .*RAY_USE_TLS=1; .*RAY_TLS"):
        check_closed({})


@pytest.mark.parametrize("address", ["nowhere", "10.0.0.5", "ray://10.0.0.5:x", ":6379"])
def test_an_address_that_names_no_head_node_is_refused(
    closed: dict[str, str], address: str
) -> None:
    with pytest.raises(SettingsInvalid, match="head node"):
        check_usable(address, closed)


@pytest.mark.parametrize("mode", [{}, *({"RAY_AUTH_MODE": it} for it in ("", "disabled", "token"))])
def test_a_cluster_of_this_machine_alone_always_asks_for_a_token(mode: dict[str, str]) -> None:
    others = dict(mode)
    close_local(mode)
    close_local(others)
    assert mode["RAY_AUTH_MODE"] == "token"
    assert len(mode["RAY_AUTH_TOKEN"]) == 64
    assert mode["RAY_AUTH_TOKEN"] != others["RAY_AUTH_TOKEN"]


def told_by(script: str) -> str:
    """What a fresh Python says."""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    return ended.stdout + ended.stderr


def test_without_the_extra_the_setting_is_refused_with_what_to_install() -> None:
    told = told_by(
        "import sys; sys.modules['ray'] = None\n"
        "from perse.cluster.connection import check_usable\n"
        "check_usable('10.0.0.5:6379')"
    )
    assert "SettingsInvalid" in told
    assert "pip install 'perse[cluster]'" in told


def test_a_server_imports_nothing_of_ray_before_it_connects(closed: dict[str, str]) -> None:
    told = told_by(
        "import sys, perse.api.app, perse.cli.application\n"
        "from perse.cluster.connection import check_usable\n"
        f"check_usable('10.0.0.5:6379', {closed})\n"
        "print('Ray is here' if 'ray' in sys.modules else 'no Ray')"
    )
    assert told.strip() == "no Ray"
