"""What ``perse doctor --deep`` finds between servers of one installation."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

import perse
from perse.auth.signing_keys import SigningKey, SigningKeys
from perse.bootstrap.deployment import clock_finding, examine_deployment
from perse.bootstrap.examination import Finding, State
from perse.bootstrap.neighbours import Neighbour
from perse.bootstrap.signing_keys import open_signing_keys
from perse.bootstrap.storage import open_database, open_storage
from perse.errors import PerseError
from perse.settings import Settings, load_settings
from perse.storage.migration import schema_status
from perse.storage.pulse import feel_pulse
from tests.nginx import free_port
from tests.served import serving
from tests.storage.postgresql import Cluster

KEY, OTHER_KEY = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def found(settings: Settings, *servers: str) -> dict[str, Finding]:
    return {it.subject: it for it in examine_deployment(settings, servers)}


def states(settings: Settings) -> dict[str, State]:
    return {name: finding.state for name, finding in found(settings).items()}


def test_one_server_over_a_file_agrees_with_itself(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    open_storage(settings).close()
    assert set(states(settings).values()) == {State.OK}


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")
    assert State.FAILED in states(settings).values()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_not_upgraded(tmp_path: Path) -> None:
    (tmp_path / "perse.db").touch()
    settings = load_settings(data_dir=tmp_path)
    assert "run `perse db upgrade`" in found(settings)["schema"].text
    with open_database(settings) as database:
        assert schema_status(database).current is None


def test_keys_that_lie_on_one_machine_are_warned_of_where_a_database_is_shared(
    cluster: Cluster, tmp_path: Path
) -> None:
    settings = load_settings(data_dir=tmp_path, database_url=cluster.new_database())
    open_storage(settings).close()
    noted = [name for name, state in states(settings).items() if state is State.WARNING]
    assert noted == ["master key", "signing keys"]


def test_another_master_key_than_the_databases_is_found(cluster: Cluster, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, database_url=cluster.new_database(), master_key=KEY)
    open_storage(settings).close()
    assert found(settings)["master key"].state is State.OK
    other = settings.model_copy(update={"master_key": SecretStr(OTHER_KEY)})
    finding = found(other)["master key"]
    assert finding.state is State.FAILED
    assert "is sealed with master key" in finding.text


def test_the_clock_of_the_database_is_compared_with_this_machines(cluster: Cluster) -> None:
    with open_database(load_settings(database_url=cluster.url)) as database:
        real = feel_pulse(database)
        late = feel_pulse(database, now_s=lambda: 1_000_000_000.0)
    assert real.ahead_s is not None
    assert abs(real.ahead_s) < 2
    assert late.ahead_s is not None
    assert late.ahead_s > 100_000_000
    assert 0 < real.round_trip_s < 10


@pytest.mark.parametrize(
    ("ahead_s", "state"),
    [(0.01, State.OK), (-2.4, State.OK), (3, State.WARNING), (-6, State.FAILED)],
)
def test_clocks_may_differ_as_much_as_tokens_allow(ahead_s: float, state: State) -> None:
    assert clock_finding(ahead_s).state is state


def test_a_disk_that_fills_up_is_told(tmp_path: Path) -> None:
    def room(free_bytes: int) -> State:
        findings = examine_deployment(load_settings(data_dir=tmp_path), (), lambda _: free_bytes)
        return next(it.state for it in findings if it.subject == "room on the disk")

    assert [room(10**n) for n in (10, 9, 8)] == [State.OK, State.WARNING, State.FAILED]


def test_a_server_of_other_signing_keys_is_found(tmp_path: Path) -> None:
    with serving() as served:
        theirs = served.services.authenticator.public_jwks()["keys"]
        settings = load_settings(data_dir=tmp_path)
        open_signing_keys(settings)
        assert len(theirs) > 0
        finding = found(settings, served.url)[served.url]
    assert finding.state is State.FAILED
    assert "signing keys are not those of this server" in finding.text


def test_a_server_that_is_gone_or_no_perse_is_told_in_a_sentence(tmp_path: Path) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    settings = load_settings(data_dir=tmp_path)
    for url in (gone, "not an address", "ftp://127.0.0.1/"):
        finding = found(settings, url)[url]
        assert finding.state is State.FAILED
        assert "cannot be reached" in finding.text
    assert gone in found(settings, gone)


KIDS = frozenset(key.kid for key in SigningKeys((SigningKey.generate(),)).keys)


def test_a_server_of_the_same_keys_and_pack_fits() -> None:
    neighbour = Neighbour(0.002, perse.__version__, "standard", KIDS)
    fits = neighbour.compared(packs=("standard", None), signing_keys=KIDS)
    assert fits.state is State.OK
    assert "the same signing keys" in fits.text


def test_a_server_of_another_pack_does_not_fit_unless_users_are_moved_from_it() -> None:
    neighbour = Neighbour(0.002, "0.1.0", "compact", KIDS)
    with pytest.raises(PerseError, match="pack standard"):
        neighbour.compared(packs=("standard", None), signing_keys=KIDS)
    moving = neighbour.compared(packs=("standard", "compact"), signing_keys=KIDS)
    assert moving.state is State.WARNING


def test_a_server_of_another_version_is_noted() -> None:
    neighbour = Neighbour(0.002, "0.0.9", "standard", KIDS)
    assert neighbour.compared(packs=("standard", None), signing_keys=KIDS).state is State.WARNING
