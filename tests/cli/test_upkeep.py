"""The commands for what is kept, run as an operator runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from perse.auth.api_keys import ApiKeys
from perse.bootstrap.storage import open_storage
from perse.cli.application import app
from perse.domain.access import ApiKey
from perse.domain.consent import Processing
from perse.domain.references import Modality, UserToken
from perse.domain.throttling import Guess
from perse.errors import InvalidParameter, MasterKeyUnusable, NotFound, UserTokenNotFound
from perse.settings import load_settings
from perse.storage.schema import ledger_entries
from perse.storage.storage import Storage
from perse.weights.packs import PackRecord
from tests.storage.samples import entry, reference


@dataclass(frozen=True)
class Operator:
    """One installation with one key, and a terminal."""

    folder: Path
    storage: Storage
    key: ApiKey

    def run(self, *arguments: str, says: str = "") -> Result:
        result = CliRunner().invoke(
            app, [*arguments, "--data-dir", str(self.folder)], input=says or None
        )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def enrol(self, seed: int = 1) -> UserToken:
        made = reference(seed)
        token = made.record.user_token
        self.storage.references.add(made, entry=entry(self.key.tenant_id, token=token))
        return token

    def delete(self, token: UserToken) -> str:
        noted = entry(self.key.tenant_id, Processing.DELETE, token=token)
        return self.storage.references.delete(token, entry=noted).jws


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    storage = open_storage(load_settings(data_dir=tmp_path))
    key, _ = ApiKeys(storage.keys).create("app")
    yield Operator(tmp_path, storage, key)
    storage.close()


def test_the_schema_is_shown_and_upgraded(tmp_path: Path) -> None:
    runner = CliRunner()
    where = ["--data-dir", str(tmp_path)]
    before = runner.invoke(app, ["db", "status", *where])
    assert (before.exit_code, "none yet" in before.stdout) == (1, True)
    assert "0001, 0002, 0003" in runner.invoke(app, ["db", "upgrade", *where]).stdout
    assert "nothing to do" in runner.invoke(app, ["db", "upgrade", *where]).stdout
    after = runner.invoke(app, ["db", "status", *where])
    assert (after.exit_code, "sqlite" in after.stdout) == (0, True)


@pytest.mark.parametrize("options", [(), ("--tenant-keys",)])
def test_secrets_rotate_under_a_running_server(
    operator: Operator, options: tuple[str, ...]
) -> None:
    file = operator.folder / "master.key"
    before, token = file.read_text(), operator.enrol()
    assert "1 tenant keys" in operator.run("secrets", "rotate", *options).stdout
    assert before.strip() not in file.read_text()
    assert len(file.read_text().split()) == 1
    operator.storage.references.find(operator.key.tenant_id, token)
    assert operator.enrol(2)
    file.write_text(before)
    with pytest.raises(MasterKeyUnusable):
        operator.run("references", "purge")


def test_a_given_key_is_rotated_to_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (("A" * 42 + letter + "=") for letter in "AE")
    monkeypatch.setenv("PERSE_MASTER_KEY", old)
    open_storage(load_settings(data_dir=tmp_path)).close()
    monkeypatch.setenv("PERSE_MASTER_KEY", f"{new},{old}")
    rotated = CliRunner().invoke(app, ["secrets", "rotate", "--data-dir", str(tmp_path)])
    assert "take the old master key out" in rotated.stdout
    monkeypatch.setenv("PERSE_MASTER_KEY", new)
    open_storage(load_settings(data_dir=tmp_path)).close()
    assert not (tmp_path / "master.key").exists()


def test_a_receipt_is_verified_whatever_carries_it(operator: Operator) -> None:
    token = operator.enrol()
    jws = operator.delete(token)
    for text in (jws, f"  {jws}\n", json.dumps({"receipt": jws, "status": 200})):
        file = operator.folder / "receipt"
        file.write_text(text)
        verified = operator.run("receipts", "verify", str(file), "--user-token", token)
        claims = json.loads(verified.stdout)
        assert claims["event"] == "reference_deleted"
        assert claims["destroyed"] == {"templates": 1, "data_keys": 1}
    assert operator.run("receipts", "verify", "-", says=jws).exit_code == 0
    listed = operator.run("receipts", "list", "--user-token", token).stdout
    assert json.loads(listed)["receipt"] == jws
    assert operator.run("receipts", "list", "--tenant", "nobody").stdout == ""


def test_a_receipt_is_verified_elsewhere_with_the_published_keys(
    operator: Operator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (operator.folder / "receipt").write_text(operator.delete(operator.enrol()))
    private = json.loads((operator.folder / "signing-keys.json").read_text())
    for key in private["keys"]:
        del key["d"]
    jwks = operator.folder / "jwks.json"
    jwks.write_text(json.dumps(private))
    elsewhere = Operator(tmp_path_factory.mktemp("auditor"), operator.storage, operator.key)
    receipt = str(operator.folder / "receipt")
    assert elsewhere.run("receipts", "verify", receipt, "--jwks", str(jwks)).exit_code == 0
    with pytest.raises(InvalidParameter):
        elsewhere.run("receipts", "verify", receipt)
    for text in ("{}", "nonsense", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA"}]}'):
        jwks.write_text(text)
        with pytest.raises(InvalidParameter, match="key list"):
            elsewhere.run("receipts", "verify", receipt, "--jwks", str(jwks))


def test_what_is_no_receipt_of_ours_is_refused(operator: Operator) -> None:
    token, session = operator.enrol(), operator.folder / "receipt"
    jws = operator.delete(token)
    head, body, signature = jws.split(".")
    changed = f"{head}.{body[:-2]}{'AA' if body[-2:] != 'AA' else 'BB'}.{signature}"
    for text in ("", "a.b.c", changed, f"{head}.{body}.", "{}", "{no json"):
        session.write_text(text)
        with pytest.raises(InvalidParameter):
            operator.run("receipts", "verify", str(session))
    session.write_text(jws)
    with pytest.raises(InvalidParameter, match="another user"):
        operator.run("receipts", "verify", str(session), "--user-token", "another")


def test_a_tenant_is_listed_and_erased_whole(operator: Operator) -> None:
    tokens = [operator.enrol(n) for n in range(3)]
    tenant = operator.key.tenant_id
    assert tenant in operator.run("tenants", "list").stdout
    assert operator.run("tenants", "delete", tenant, says="n\n").exit_code == 1
    operator.storage.references.find(tenant, tokens[0])
    (operator.folder / "receipt").write_text(
        operator.run("tenants", "delete", tenant, "--yes").stdout
    )
    claims = json.loads(operator.run("receipts", "verify", str(operator.folder / "receipt")).stdout)
    assert claims["event"] == "tenant_deleted"
    assert claims["destroyed"] == {
        **{"templates": 3, "data_keys": 3, "tenant_keys": 1, "api_keys": 1}
    }
    assert operator.storage.keys.all() == []
    assert tenant not in operator.run("tenants", "list").stdout
    assert operator.run("consent", "verify").exit_code == 0
    with pytest.raises(NotFound):
        operator.run("tenants", "delete", tenant, "--yes")


def test_a_person_gets_what_is_held(operator: Operator) -> None:
    token = operator.enrol()
    document = json.loads(operator.run("subjects", "export", token).stdout)
    (subject,) = document["subjects"]
    assert [len(it["template"]["values"]) for it in subject["samples"]] == [512]
    assert document["consent_ledger"][0]["purpose"] == "testing"
    operator.delete(token)
    document = json.loads(operator.run("subjects", "export", token).stdout)
    assert (document["subjects"], len(document["receipts"])) == ([], 1)
    with pytest.raises(UserTokenNotFound):
        operator.run("subjects", "export", "00000000-0000-4000-8000-000000000000")


def test_the_ledger_is_verified_against_what_was_noted(operator: Operator) -> None:
    token = operator.enrol()
    noted = operator.run("consent", "verify").stdout.split()[-1]
    assert noted.startswith("1:")
    operator.delete(token)
    assert operator.run("consent", "verify", "--anchor", noted).exit_code == 0
    assert operator.run("consent", "verify", "--anchor", f"1:{'00' * 32}").exit_code == 1
    with pytest.raises(InvalidParameter):
        operator.run("consent", "verify", "--anchor", "nonsense")
    lines = operator.run("consent", "export", "--user-token", token).stdout.splitlines()
    assert [json.loads(line)["operation"] for line in lines] == ["face_enrol", "face_delete"]
    assert operator.run("consent", "export", "--tenant", "nobody").stdout == ""


def test_a_meddled_ledger_is_found(operator: Operator) -> None:
    operator.enrol()
    with operator.storage.database.write() as connection:
        connection.execute(sa.update(ledger_entries).values(declaration="refused"))
    found = operator.run("consent", "verify")
    assert found.exit_code == 1
    assert "entry 1 was changed" in found.output


def test_a_ledger_cut_short_is_found_by_its_receipts(operator: Operator) -> None:
    operator.delete(operator.enrol())
    with operator.storage.database.write() as connection:
        connection.execute(sa.delete(ledger_entries))
        connection.execute(
            sa.text("UPDATE ledger_head SET seq = 0, hash = :zeros"), {"zeros": bytes(32)}
        )
    found = operator.run("consent", "verify")
    assert (found.exit_code, "entry 2" in found.output) == (1, True)


def test_the_status_says_what_becomes_of_users_of_each_network(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    def models(name: str) -> dict[str, dict[str, str]]:
        return {"face_embedder": {"name": name, "sha256": "0" * 64}}

    for model in ("new", "old", "older"):
        made = reference(model=model)
        noted = entry(operator.key.tenant_id, token=made.record.user_token)
        operator.storage.references.add(made, entry=noted)
    old = PackRecord("b", models("old"), "2026-11-01")
    recorded = PackRecord("a", models("new"), "2026-11-28", old)
    (operator.folder / "pack.json").write_text(json.dumps(asdict(recorded)))

    def outlooks() -> list[str]:
        lines = operator.run("references", "status").stdout.splitlines()[1:]
        return sorted(" ".join(line.split()[1:]) for line in lines)

    assert outlooks() == [
        "new 1",
        "old 1 moves when recognised",
        "older 1 not comparable: update",
    ]
    monkeypatch.setenv("PERSE_PREVIOUS_PACK_UNTIL", "2999-12-31")
    assert outlooks()[1] == "old 1 moves when recognised, until 2999-12-31"
    monkeypatch.setenv("PERSE_PREVIOUS_PACK_UNTIL", "2026-11-27")
    assert outlooks()[1] == "old 1 not comparable: update"


def test_references_are_counted_unlocked_and_purged(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = operator.enrol()
    assert "net" in operator.run("references", "status").stdout
    tenant = operator.key.tenant_id
    for _ in range(10):
        operator.storage.guesses.record(
            tenant, token, Guess.of(Modality.FACE, matched=False), at=entry().at
        )
    operator.run("references", "unlock", token)
    operator.storage.guesses.check(tenant, token, at=entry().at)
    with pytest.raises(UserTokenNotFound):
        operator.run("references", "unlock", "00000000-0000-4000-8000-000000000000")
    assert operator.run("references", "purge").stdout == ""
    monkeypatch.setenv("PERSE_REFERENCE_TTL_DAYS", "0.5")
    assert operator.run("references", "purge").stdout.count(".") == 2
    assert len(operator.storage.reference_list.tokens(tenant)) == 0
