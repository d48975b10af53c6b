"""What operators do is written down, and they can see it."""

from __future__ import annotations

import json
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.bootstrap.faces import FaceServices
from perse.bootstrap.ground import Ground
from perse.bootstrap.service_terms import terms_of_service
from perse.bootstrap.storage import open_storage
from perse.bootstrap.weights import PackOnDisk
from perse.domain.audit import Act, Deed
from perse.errors import InvalidParameter, NotFound
from perse.settings import Settings, load_settings
from perse.storage.audit_tables import audit_entries
from perse.storage.storage import Storage
from perse.weights.catalogue import load_catalog
from perse.weights.packs import PackChoice
from tests.cli.conftest import Run, over
from tests.fakes.services import shipped_cards
from tests.storage.samples import entry, reference


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
    for mistaken in (("revoke",), ("allow", "read"), ("forbid", "read")):
        with pytest.raises(NotFound):
            run("keys", mistaken[0], text, *mistaken[1:])
    acts = ("key_create", "key_permit", "key_rotate", "key_revoke")
    assert told(run, *acts) == [
        ("key_create", "app", "done"),
        ("key_permit", "app", "done"),
        ("key_rotate", "app", "done"),
        ("key_revoke", "app (old)", "done"),
        ("key_revoke", "", "not_found"),
        ("key_permit", "", "not_found"),
        ("key_permit", "", "not_found"),
    ]
    actor = listed(run)[-1]["actor"]
    me = f"{pwd.getpwuid(os.getuid()).pw_name}@{socket.gethostname()}"
    assert (actor["kind"], actor["name"].split(" (")[0]) == ("command", me)
    shown = run("audit", "list").stdout
    assert "not_found" in shown
    assert text not in shown + run("audit", "list", "--json").stdout


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


def test_what_is_done_with_what_is_kept_is_listed(
    run: Run, storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("keys", "create", "app")
    tenant = storage.keys.active_named("app").tenant_id
    one, two = (reference(n) for n in range(2))
    for it in (one, two):
        token = it.record.user_token
        storage.references.add(it, entry=entry(tenant, token=token))
    monkeypatch.setenv("PERSE_REFERENCE_TTL_DAYS", "36500")
    run("subjects", "export", one.record.user_token)
    run("references", "unlock", one.record.user_token)
    run("subjects", "delete", one.record.user_token, "--yes")
    run("consent", "export", "--tenant", tenant)
    run("references", "purge")
    run("secrets", "rotate")
    with pytest.raises(InvalidParameter):
        run("calibrate", "rollback", "face")
    run("tenants", "delete", tenant, "--yes")
    with pytest.raises(NotFound):
        run("tenants", "delete", tenant, "--yes")
    done = [(it["act"], it["target"], it["tenant"], it["outcome"]) for it in listed(run)]
    token = one.record.user_token
    assert done[2:] == [
        ("subject_export", token, tenant, "done"),
        ("subject_unlock", token, None, "done"),
        ("subject_delete", token, tenant, "done"),
        ("ledger_export", "", tenant, "done"),
        ("purge", "", None, "begun"),
        ("purge", "", None, "done"),
        ("secrets_rotate", "master key", None, "done"),
        ("points_roll_back", "face", None, "invalid_parameter"),
        ("tenant_delete", tenant, tenant, "done"),
        ("tenant_delete", "", None, "not_found"),
    ]
    assert run("audit", "verify").exit_code == 0


def test_an_upgrade_of_the_schema_is_told(tmp_path: Path) -> None:
    run = over(tmp_path)
    assert run("db", "upgrade").exit_code == 0
    assert not (tmp_path / "master.key").exists()  # nothing is sealed before it has to be
    (first,) = listed(run)
    assert first["act"] == "schema"
    with open_storage(load_settings(data_dir=tmp_path)) as storage:
        storage.journal.note(Deed(Act.SCHEMA, "0001"))
    run("db", "upgrade")  # nothing to do, and nothing to tell of its own
    assert told(run, "schema")[-1] == ("schema", first["target"], "done")


def test_a_server_on_other_terms_than_the_last_is_told(tmp_path: Path, storage: Storage) -> None:
    ground = a_ground()
    for consent in ("recorded", "recorded", "required"):
        settings = Settings(data_dir=tmp_path, consent=consent)
        storage.journal.note_news(terms_of_service(settings, ground))
    entries = [link.entry for link in storage.journal.log.entries()]
    served = [it.deed for it in entries if it.deed.act == Act.SERVE]
    assert [it.details["consent"] for it in served] == ["recorded", "required"]
    assert served[0].details["network of face_embedder"] == "sface"
    assert served[0].details["signing_keys"] == ground.signing_keys.keys[0].kid


def a_ground() -> Ground:
    """As far as terms look at it."""
    catalog = load_catalog()
    pack = catalog.pack("standard")
    on_disk = PackOnDisk(pack, PackChoice("standard", "for a test"), shipped_cards(), {}, {})
    faces = cast(FaceServices, None)
    return Ground(on_disk, faces, None, None, SigningKeys((SigningKey.generate(),)))
