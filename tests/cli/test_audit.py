"""What operators do is written down, and they can see it."""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from perse.bootstrap.storage import open_storage
from perse.errors import NotFound
from perse.settings import load_settings
from perse.storage.audit_tables import audit_entries
from perse.storage.storage import Storage
from tests.cli.conftest import Run, over


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    with open_storage(load_settings(data_dir=tmp_path)) as opened:
        yield opened


@pytest.fixture
def run(tmp_path: Path, storage: Storage) -> Run:
    return over(tmp_path)


def listed(run: Run, *options: str) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for line in run("audit", "list", "--json", *options).stdout.split("\n")
        if line
    ]


def told(run: Run, *acts: str) -> list[tuple[str, str, str]]:
    """Act, target and outcome of these acts."""
    return [(it["act"], it["target"], it["outcome"]) for it in listed(run) if it["act"] in acts]


def test_what_is_done_with_keys_is_listed_with_who_did_it(run: Run) -> None:
    text = run("keys", "create", "app", "--may", "read", "--may", "verify").stdout.strip()
    run("keys", "forbid", "app", "verify")
    run("keys", "rotate", "app")
    run("keys", "revoke", "app (old)")
    with pytest.raises(NotFound):
        run("keys", "revoke", "app (old)")
    acts = ("key_create", "key_permit", "key_rotate", "key_revoke")
    assert told(run, *acts) == [
        ("key_create", "app", "done"),
        ("key_permit", "app", "done"),
        ("key_rotate", "app", "done"),
        ("key_revoke", "app (old)", "done"),
        ("key_revoke", "app (old)", "not_found"),
    ]
    actor = listed(run)[-1]["actor"]
    me = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert (actor["kind"], actor["name"].split(" (")[0]) == ("command", me)
    shown = run("audit", "list").stdout
    assert "not_found" in shown
    assert text not in shown


def test_a_log_that_was_meddled_with_is_told(run: Run, storage: Storage) -> None:
    for name in ("one", "two", "three"):
        run("keys", "create", name)
    good = run("audit", "verify")
    assert good.exit_code == 0
    anchor = good.stdout.strip()
    last = int(anchor.partition(":")[0])
    assert run("audit", "verify", "--anchor", anchor).exit_code == 0
    wrong = run("audit", "verify", "--anchor", f"{last}:{bytes(32).hex()}")
    assert (wrong.exit_code, "not the one that was noted" in wrong.stderr) == (1, True)
    with storage.database.write() as connection:
        renamed = sa.update(audit_entries).values(target="four")
        connection.execute(renamed.where(audit_entries.c.seq == last - 1))
    bad = run("audit", "verify")
    assert (bad.exit_code, bad.stdout) == (1, "")
    assert bad.stderr == f"entry {last - 1} was changed or did not come from this server\n"


def test_entries_can_be_listed_from_a_day_on(run: Run) -> None:
    run("keys", "create", "app")
    assert listed(run, "--since", "2026-01-01")
    assert listed(run, "--since", "2999-12-31T23:59") == []
    assert run("audit", "list", "--since", "yesterday").exit_code == 2
